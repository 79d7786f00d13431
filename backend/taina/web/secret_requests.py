"""The API's resources of requests for secrets."""

from typing import ClassVar

import falcon

from taina import base64url
from taina.rules.secret_requests import SecretRequests
from taina.rules.types import NewRequest
from taina.web.admission import Admission, made_or_repeated
from taina.web.limits import Budgets
from taina.web.parsing import bearer, parse_bytes, read_json
from taina.web.proof_of_work import Work


class SecretRequestResource:
    """`/requests/{id}`: ask, look whether an answer can be left, delete."""

    budgets: ClassVar[Budgets] = {"PUT": "creates"}

    def __init__(self, requests: SecretRequests, admission: Admission, work: Work) -> None:
        self._requests = requests
        self._admission = admission
        self._work = work

    def on_put(self, request: falcon.Request, response: falcon.Response, request_id: str) -> None:
        identifier = parse_bytes("id", request_id, 16)
        fields = read_json(request)
        asking = NewRequest(
            inbox_hash=fields.bytes("inbox_hash", 32),
            answer_hash=fields.bytes("answer_hash", 32),
            ttl=fields.integer("ttl"),
            answers=fields.integer("answers"),
        )
        self._work.check(identifier, fields)
        fields.done()
        asked = made_or_repeated(
            lambda: self._admission.make(request, lambda key: self._requests.create(identifier, asking, key)),
            lambda: self._requests.created(identifier, asking),
        )
        response.status = falcon.HTTP_201 if asked.new else falcon.HTTP_200
        response.media = {"expires": asked.expires}

    def on_get(self, request: falcon.Request, response: falcon.Response, request_id: str) -> None:
        status = self._requests.status(parse_bytes("id", request_id, 16), bearer(request))
        response.media = {
            "state": status.state,
            "answers_left": status.answers_left,
            "expires": status.expires,
            "size": status.most,
        }

    def on_delete(self, request: falcon.Request, response: falcon.Response, request_id: str) -> None:
        self._requests.delete(parse_bytes("id", request_id, 16), bearer(request))
        response.status = falcon.HTTP_204


class EnvelopesResource:
    """`/requests/{id}/envelopes`: leave an answer, read the answers."""

    budgets: ClassVar[Budgets] = {"POST": "creates"}

    def __init__(self, requests: SecretRequests) -> None:
        self._requests = requests

    def on_post(self, request: falcon.Request, response: falcon.Response, request_id: str) -> None:
        identifier, token = parse_bytes("id", request_id, 16), bearer(request)
        fields = read_json(request)
        envelope = fields.bytes("envelope")
        fields.done()
        answered = self._requests.answer(identifier, token, envelope)
        response.status = falcon.HTTP_201 if answered.new else falcon.HTTP_200
        response.media = {"answers_left": answered.answers_left}

    def on_get(self, request: falcon.Request, response: falcon.Response, request_id: str) -> None:
        inbox = self._requests.inbox(parse_bytes("id", request_id, 16), bearer(request))
        response.media = {
            "answers": inbox.answers,
            "expires": inbox.expires,
            "envelopes": [
                {"envelope": base64url.encode(envelope.sealed), "received": envelope.received}
                for envelope in inbox.envelopes
            ],
        }
