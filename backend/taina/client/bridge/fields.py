"""The fields of a call, however a client sends them: in the query, a form of either kind, or JSON."""

from urllib.parse import parse_qsl

import falcon


def read_fields(request: falcon.Request) -> dict[str, str]:
    """Of a JSON object, a form of either kind, or the query; a number is taken as its digits.

    What cannot be kept as it is, is refused: never a secret that was altered, or without its passphrase.
    """
    given = _pairs(request.query_string)
    kind = (request.content_type or "").partition(";")[0].strip().lower()
    if request.content_length and kind == "application/x-www-form-urlencoded":
        given += _pairs(_utf8(request.bounded_stream.read()))
    elif request.content_length and kind == "multipart/form-data":
        given += [(part.name or "", _utf8(part.get_data())) for part in request.get_media()]
    elif request.content_length:
        media = request.get_media()
        if not isinstance(media, dict):
            raise falcon.HTTPBadRequest(description="Send a form or a JSON object.")
        given += [(name, value) for name, value in media.items() if value is not None]
    fields = dict(given)
    if len(fields) != len(given):
        raise falcon.HTTPBadRequest(description="A field stands twice.")
    for name, value in fields.items():
        if type(value) not in (str, int):
            raise falcon.HTTPBadRequest(description=f"{name} has to be a text or a number.")
    return {name: str(value) for name, value in fields.items()}


def _pairs(text: str) -> list[tuple[str, object]]:
    try:
        return list(parse_qsl(text, keep_blank_values=True, errors="strict"))
    except ValueError:
        raise falcon.HTTPBadRequest(description="A field is not UTF-8. Nothing was kept.") from None


def _utf8(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise falcon.HTTPBadRequest(description="A field is not UTF-8. Nothing was kept.") from None
