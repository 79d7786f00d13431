"""The OpenAPI 3.1 document of the API, with this instance's limits in it."""

import falcon

from taina import __version__
from taina.rules.types import Limits
from taina.web.openapi.instance import instance_paths
from taina.web.openapi.requests import request_paths
from taina.web.openapi.schema import Schema, bearer, problem
from taina.web.openapi.secrets import secret_paths


class OpenApiResource:
    """`/openapi.json`"""

    def __init__(self, limits: Limits) -> None:
        self._document = document(limits)

    def on_get(self, request: falcon.Request, response: falcon.Response) -> None:
        response.media = self._document


def document(limits: Limits) -> Schema:
    """The whole document, ready for JSON."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Taina",
            "version": __version__,
            "description": "One-time secrets. Clients encrypt; this API stores ciphertext and hands it to one reader. "
            "Bytes in JSON are base64url without padding; times are unix seconds; sizes are bytes of ciphertext.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "servers": [{"url": "/api/v1"}],
        "paths": {**secret_paths(limits), **instance_paths(), **request_paths(limits)},
        "components": {
            "schemas": {"Problem": problem()},
            "securitySchemes": {
                "accessKey": bearer(
                    "An access key. Creating secrets or requests takes one on a private instance only, where the "
                    "answer token of the request that the body names serves as well; with the option "
                    'create = "proxy", a session of the login does, too.'
                ),
                "linkProof": bearer("The link proof, which shows that the caller has the link."),
                "receiptToken": bearer("The receipt token, which the sender has."),
                "claimToken": bearer("The claim token, which the one reader has."),
                "answerToken": bearer("The answer token, which everyone with the link of the request has."),
                "inboxToken": bearer("The inbox token, which the person who asked has."),
            },
        },
    }
