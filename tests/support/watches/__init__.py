"""What is done inside of the servers that tests start: `sitecustomize` is imported by each Python at its start."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def watched(variable: str, folder: Path) -> Iterator[None]:
    """Every Python that is started meanwhile has the watch that goes by this variable, which tells in `folder`."""
    paths = [str(Path(__file__).parent)]
    paths += [one for one in os.environ.get("PYTHONPATH", "").split(os.pathsep) if one not in ("", *paths)]
    wanted = {"PYTHONPATH": os.pathsep.join(paths), variable: str(folder)}
    before = {name: os.environ.get(name) for name in wanted}
    os.environ.update(wanted)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
