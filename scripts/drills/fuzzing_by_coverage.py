"""The parsers again, by atheris: it changes what reached new code, over and over.

    pip install atheris==3.0.0
    python -m drills.fuzzing_by_coverage --rounds 1000000

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import subprocess
import sys
from collections.abc import Iterator

from drills.parsers import PARSERS
from drills.promises import command, promise

_ONE = """
import sys, atheris
with atheris.instrument_imports(include=["taina"]):
    from drills.parsers import PARSERS
options = ["-runs=" + sys.argv[2], "-timeout=10", "-max_len=4096", "-verbosity=0"]
atheris.Setup([sys.argv[0], *options], PARSERS[sys.argv[1]])
atheris.Fuzz()
"""


def run(rounds: int) -> Iterator[str]:
    """Each parser in a process of its own, which ends well only if no case crashed or took ten seconds."""
    for name in PARSERS:
        done = subprocess.run(
            [sys.executable, "-c", _ONE, name, str(rounds)], capture_output=True, text=True, errors="replace"
        )
        promise(done.returncode == 0, f"{name}: {done.stderr[-2000:]}")
        yield f"{name}: {rounds} cases, all taken, or refused at once"


main = command(run, 1_000_000, "Cases of each parser.")

if __name__ == "__main__":
    main()
