"""The calls on the instance itself: its mail, its health, what it offers."""

from typing import get_args

from taina.web.openapi.schema import Schema, an_integer, an_object, call, json_body, one_of
from taina.web.policy import Passphrases


def instance_paths() -> Schema:
    """By their paths."""
    return {
        "/mail": {
            "post": call(
                "mail",
                "Have the instance mail the link to a secret that needs a passphrase, if it offers that: only holders "
                "of an access key can.",
                security="accessKey",
                body=json_body(
                    an_object(
                        {
                            "link": {"type": "string", "minLength": 1, "maxLength": 300},
                            "to": {"type": "string", "minLength": 1, "maxLength": 254},
                            "language": {"type": "string", "minLength": 1, "maxLength": 20},
                        }
                    )
                ),
                answers={204: ("The mail server has accepted it.", None)},
                problems=(401, 404, 413, 415, 424, 507),
            )
        },
        "/health": {
            "get": call(
                "health",
                "Whether this server answers.",
                answers={200: ("It answers.", an_object({"state": one_of(["up"])}))},
                problems=(),
            )
        },
        "/ready": {
            "get": call(
                "ready",
                "Whether this server can store secrets, and deletes what is due.",
                answers={200: ("It is ready.", an_object({"state": one_of(["ready"])}))},
                problems=(),
            )
        },
        "/status": {
            "get": call(
                "status",
                "The version, limits and options of this instance.",
                answers={200: ("What they are.", _status())},
                problems=(),
            )
        },
    }


def _status() -> Schema:
    numbers = {
        "limits": an_object(
            {"size": an_integer(), "chunk": an_integer(), "attempts": an_integer(), "answers": an_integer()}
        ),
        "ttl": an_object({"min": an_integer(), "max": an_integer(), "default": an_integer()}),
        "lease": an_integer(),
    }
    options = an_object(
        {
            "create": one_of(["anyone", "keys", "proxy"]),
            "mail": {"type": "boolean"},
            "passphrases": one_of(get_args(Passphrases)),
            "files": {"type": "boolean"},
            "recipients": {"type": "integer", "minimum": 1, "maximum": 100},
        },
        {"login_url": {"type": "string", "description": "Where people log in: a path of this host, or an https URL."}},
    )
    return an_object({"version": {"type": "string"}, "protocol": an_integer(), **numbers, "options": options})
