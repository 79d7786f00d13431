"""Requests made from the OpenAPI document, right and wrong ones: each gets an answer that the document names."""

from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from taina import base64url

_REFUSALS = ["400", "401", "403", "404", "409", "413", "415", "422", "429"]
"""What wrong input may be answered with; 413 where a size is too large besides."""
_CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}}})
ANYTHING = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)
"""Hypothesis without a time limit for one example, for a busy machine."""


def calls_of(paths: dict[str, Any]) -> list[tuple[str, str]]:
    """Method and path of every call in an OpenAPI document's paths."""
    return [(m, path) for path, of_path in paths.items() for m in of_path if m in ("get", "put", "post", "delete")]


def fuzz_call(
    url: str, method: str, path: str, mode: schemathesis.GenerationMode, examples: int, derandomize: bool = False
) -> None:
    """A documented status and a documented body for each of `examples` requests; never a 5xx.

    Raises:
        Exception: schemathesis's own, with the request.
    """
    schema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json", config=_CONFIG)
    cases = schema[path][method].as_strategy(generation_mode=mode)

    @settings(ANYTHING, max_examples=examples, derandomize=derandomize)
    @given(case=cases)
    def answer(case: Any) -> None:
        # A schema cannot say that sizes have to add up, so a request that fits it may still be refused.
        token = {"Authorization": f"Bearer {base64url.encode(bytes(32))}"}
        case.call_and_validate(headers=token, excluded_checks=[positive_data_acceptance])

    answer()
