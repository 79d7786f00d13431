"""What callers give, looked at before anything is done: a wrong type is the caller's slip, and said as such."""


def need(value: object, name: str, kind: type | tuple[type, ...], described: str) -> None:
    """
    Args:
        described: what it is: `ttl is a whole number of seconds, not timedelta.`

    Raises:
        TypeError: it is of another type; True is no number.
    """
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"{name} is {described}, not {type(value).__name__}.")


def need_seconds(ttl: object) -> None:
    """None or a whole number of seconds. Raises: TypeError."""
    if ttl is not None:
        need(ttl, "ttl", int, "a whole number of seconds")


def need_passphrase(passphrase: object) -> None:
    """None or a text. Raises: TypeError."""
    if passphrase is not None:
        need(passphrase, "passphrase", str, "a text")


def need_link(link: object) -> None:
    """A text; whether it is a link is for `decode_link` to say. Raises: TypeError."""
    need(link, "link", str, "a text, such as Sent.link")
