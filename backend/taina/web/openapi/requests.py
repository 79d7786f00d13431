"""The calls on a request for secrets."""

from typing import get_args

from taina.rules.secret_requests import ENVELOPE_SIZE
from taina.rules.types import Limits, Openness
from taina.web.openapi.schema import (
    Schema,
    a_ttl,
    an_integer,
    an_object,
    call,
    id_in_path,
    json_body,
    one_of,
    some_bytes,
)


def request_paths(limits: Limits) -> Schema:
    """By their paths."""
    request = id_in_path("request_id")
    expires, left = an_object({"expires": an_integer()}), an_object({"answers_left": an_integer()})
    envelope = an_object({"envelope": some_bytes(ENVELOPE_SIZE), "received": an_integer()})
    asking = {
        "inbox_hash": some_bytes(32),
        "answer_hash": some_bytes(32),
        "ttl": a_ttl(limits),
        "answers": {"type": "integer", "minimum": 1, "maximum": limits.answers},
    }
    return {
        "/requests/{request_id}": {
            "parameters": [request],
            "put": call(
                "ask",
                "Ask for secrets. The same request sent again gets the same answer.",
                security="accessKey",
                open_to_anyone=True,
                body=json_body(an_object(asking, {"work": an_integer()})),
                answers={200: ("It had already been stored.", expires), 201: ("It has been stored.", expires)},
                problems=(401, 403, 409, 413, 415, 507),
            ),
            "get": call(
                "requestStatus",
                "Whether an answer can be left. Changes nothing.",
                security="answerToken",
                answers={
                    200: (
                        "It is open for answers, or has as many as it accepts.",
                        an_object(
                            {
                                "state": one_of(get_args(Openness)),
                                "answers_left": an_integer(),
                                "expires": an_integer(),
                                "size": an_integer(),
                            }
                        ),
                    )
                },
                problems=(404, 410),
            ),
            "delete": call(
                "deleteRequest",
                "Delete the request and the envelopes that were left.",
                security="inboxToken",
                answers={204: ("It has been deleted.", None)},
                problems=(404,),
            ),
        },
        "/requests/{request_id}/envelopes": {
            "parameters": [request],
            "post": call(
                "answer",
                "Leave an envelope: the link to a secret, sealed to the asker. The same one may be sent again.",
                security="answerToken",
                body=json_body(an_object({"envelope": some_bytes(ENVELOPE_SIZE)})),
                answers={200: ("It had already been left.", left), 201: ("It has been left.", left)},
                problems=(404, 409, 410, 413, 415, 507),
            ),
            "get": call(
                "inbox",
                "The envelopes that were left, for the person who asked.",
                security="inboxToken",
                answers={
                    200: (
                        "All of them, in the order in which they arrived.",
                        an_object(
                            {
                                "answers": an_integer(),
                                "expires": an_integer(),
                                "envelopes": {"type": "array", "items": envelope},
                            }
                        ),
                    )
                },
                problems=(404,),
            ),
        },
    }
