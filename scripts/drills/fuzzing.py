"""Whatever is sent, there is a clear refusal and never a crash: to the running API by its document, to every parser.

    python -m drills.fuzzing --rounds 20000
    python -m drills.fuzzing_by_coverage --rounds 1000000

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis.specs.openapi.checks import positive_data_acceptance

from drills.connection import UNBOUND
from drills.parsers import PARSERS
from drills.promises import command, promise
from drills.servers import memory, serving
from taina import base64url
from taina.rules.vault import Limits
from taina.web.openapi import document

_SLOW = 1.0
"""Seconds that no input may take a parser."""
_CALLS_SHARE = 10
"""Of so many cases for each parser, one for each call: that takes milliseconds."""
_MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)
_REFUSALS = ["400", "401", "403", "404", "409", "413", "415", "422", "429"]
"""What wrong input may be answered with; 413 where a size is too large besides."""
_CONFIG = schemathesis.Config.from_dict({"checks": {"negative_data_rejection": {"expected-statuses": _REFUSALS}}})
_ALL = settings(deadline=None, suppress_health_check=list(HealthCheck), database=None)


def run(rounds: int) -> Iterator[str]:
    """Cases for each parser, and a tenth of them for each call: all are taken or refused, none crashes or hangs."""
    for parser in PARSERS.values():
        fuzz_parser(parser, rounds)
    yield f"{len(PARSERS)} parsers, {rounds} cases each ({', '.join(PARSERS)}): all taken, or refused at once"
    examples = max(rounds // _CALLS_SHARE, 1)
    paths = document(Limits())["paths"]
    calls = calls_of(paths)
    with serving(*UNBOUND) as server:
        before = memory(server.process.pid)
        for method, path in calls:
            for mode in _MODES:
                # Nothing can be wrong about a call that takes nothing.
                if mode is _MODES[0] or paths[path][method].keys() & {"parameters", "requestBody"}:
                    fuzz_call(server.url, method, path, mode, examples)
        grew = memory(server.process.pid) - before
    yield f"{len(calls)} calls, {examples} right and {examples} wrong requests each: documented answers, no 5xx"
    yield f"the server grew by {grew / (1 << 20):.0f} MiB"


def fuzz_parser(parser: Callable[[bytes], None], examples: int) -> None:
    @settings(_ALL, max_examples=examples)
    @given(st.binary(max_size=2000) | st.text(max_size=500).map(str.encode))
    def parse(data: bytes) -> None:
        began = time.monotonic()
        parser(data)
        promise(time.monotonic() - began < _SLOW, f"{parser.__name__} took too long over {data!r}")

    parse()


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

    @settings(_ALL, max_examples=examples, derandomize=derandomize)
    @given(case=cases)
    def answer(case: Any) -> None:
        # A schema cannot say that sizes have to add up, so a request that fits it may still be refused.
        token = {"Authorization": f"Bearer {base64url.encode(bytes(32))}"}
        case.call_and_validate(headers=token, excluded_checks=[positive_data_acceptance])

    answer()


main = command(run, 20_000, "Cases of each parser.")

if __name__ == "__main__":
    main()
