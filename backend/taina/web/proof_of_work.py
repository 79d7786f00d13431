"""The work that has to be shown for each new secret and request, where the operator asks for any."""

from taina.errors import WorkNeededError
from taina.proof_of_work import proves
from taina.web.parsing import Fields


class Work:
    """What each new secret and request has to show."""

    def __init__(self, bits: int = 0) -> None:
        """`bits`: zeros that the digest has to begin with; 0 asks for nothing."""
        self._bits = bits

    def check(self, identifier: bytes, fields: Fields) -> None:
        """Take the field `work`, which may always be there. Raises: WorkNeededError, InvalidError."""
        shown = fields.integer("work") if fields.has("work") else None
        if self._bits and (shown is None or not proves(identifier, shown, self._bits)):
            raise WorkNeededError(bits=self._bits)
