"""What the operator of an instance has laid down, as its `/status` tells it."""

from dataclasses import dataclass

from taina.client.answers import Json, whole
from taina.client.contents import Content
from taina.client.transport import Transport
from taina.errors import InvalidError, KeyNeededError, LoginNeededError


@dataclass(frozen=True, slots=True)
class Rules:
    """What an instance asks for. One of an earlier release says less, and asks for no more than that."""

    create: str
    """Who may create: "anyone", "keys" or "proxy" (whoever has logged in, or has a key)."""
    ttl: int
    """Lifetime in seconds, where nobody chooses another."""
    passphrases: str
    """"optional", "required" or "generated"."""
    files: bool
    size: int | None
    """The most bytes of a secret, sealed."""
    recipients: int | None
    answers: int | None

    def need_key(self, key: bytes | None) -> None:
        """Raises: KeyNeededError, LoginNeededError: nothing can be created without one."""
        if key is None and self.create == "keys":
            raise KeyNeededError
        if key is None and self.create == "proxy":
            raise LoginNeededError

    def need_text(self, content: tuple[Content, ...]) -> None:
        """Raises: InvalidError: files are not taken here. That is up to us: the server does not see what is sent."""
        if not self.files and not all(isinstance(one, str) for one in content):
            raise InvalidError("This instance accepts text only, no files. Nothing was sent.", field="content")


def read_rules(transport: Transport) -> Rules:
    """Ask the instance. Raises: TainaError."""
    status = transport.json("GET", "/status")
    options, limits = _object(status, "options"), _object(status, "limits")
    return Rules(
        create=str(options.get("create")),
        ttl=whole(status.get("ttl"), "default"),
        passphrases=str(options.get("passphrases", "optional")),
        files=options.get("files") is not False,
        size=whole(limits, "size") if "size" in limits else None,
        recipients=whole(options, "recipients") if "recipients" in options else None,
        answers=whole(limits, "answers") if "answers" in limits else None,
    )


def _object(status: Json, name: str) -> Json:
    found = status.get(name)
    return found if isinstance(found, dict) else {}
