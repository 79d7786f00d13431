"""Uploads that are begun and never sent: they must not take the storage from everybody else.

    python -m drills.reservations --rounds 500

Run it in scripts/, or with that folder in PYTHONPATH. The control holds room for the whole of each upload at once and
bounds the unfinished ones by the storage alone, as the first build did.
"""

import os
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

from drills.promises import command, promise
from support.secrets import SEALED_CHUNK, Made
from taina.errors import StorageFullError
from taina.rules import uploads
from taina.rules.types import Limits
from taina.rules.vault import Vault
from taina.store.sqlite import SqliteStore

_CHUNKS = 8
_STORAGE = 128 << 20
_OTHERS = 16
"""Secrets of a whole chunk that others create afterwards: more than is left beside uploads that hold everything."""


@dataclass(frozen=True, slots=True)
class _Unbounded(Limits):
    @property
    def unfinished(self) -> int:
        return self.storage


def run(rounds: int) -> Iterator[str]:
    """Begin so many uploads without sending anything; a secret of somebody else still finds room."""
    begun, room = _attack(Limits(size=_CHUNKS * SEALED_CHUNK, storage=_STORAGE), rounds)
    promise(room, f"after {begun} uploads that sent nothing there was no room for the secrets of others")
    yield f"{begun} of {rounds} uploads were begun without sending anything, and there is room for others"
    with patch.object(uploads, "UPLOAD_AHEAD", _CHUNKS):
        begun, room = _attack(_Unbounded(size=_CHUNKS * SEALED_CHUNK, storage=_STORAGE), rounds)
    promise(not room, "the control left room for others, so this drill shows nothing")
    yield f"the control: {begun} uploads that sent nothing left no room"


def _attack(limits: Limits, uploads: int) -> tuple[int, bool]:
    """How many uploads could be begun, and whether there is room afterwards for the secrets of others."""
    begun = 0
    with tempfile.TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "taina.db")
        try:
            vault = Vault(store, limits)
            for _ in range(uploads):
                try:
                    upload = Made(chunks=(bytes(SEALED_CHUNK),) * _CHUNKS)
                    vault.create(upload.id, upload.order(inline=False))
                except StorageFullError:
                    break
                begun += 1
            for _ in range(_OTHERS):
                try:
                    made = Made(chunks=(os.urandom(SEALED_CHUNK),))
                    vault.create(made.id, made.order())
                except StorageFullError:
                    return begun, False
            return begun, True
        finally:
            store.close()


main = command(run, 500, "Uploads that are begun.")

if __name__ == "__main__":
    main()
