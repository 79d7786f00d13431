"""Whatever is sent, there is a clear refusal and never a crash: to the running API by its document, to every parser.

    python -m drills.fuzzing --rounds 20000
    python -m drills.fuzzing_by_coverage --rounds 1000000

Run it in scripts/, or with that folder in PYTHONPATH.
"""

import time
from collections.abc import Callable, Iterator

import schemathesis
from hypothesis import given, settings
from hypothesis import strategies as st

from drills.parsers import PARSERS
from drills.promises import command, promise
from support.connection import UNBOUND
from support.openapi_fuzzing import ANYTHING, calls_of, fuzz_call
from support.servers import memory, serving
from taina.rules.types import Limits
from taina.web.openapi import document

_SLOW = 1.0
"""Seconds of processor time that no input may take a parser: on a busy machine it may wait for longer."""
_CALLS_SHARE = 10
"""Of so many cases for each parser, one for each call: that takes milliseconds."""
_MODES = (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE)


def run(rounds: int) -> Iterator[str]:
    """Cases for each parser, and a tenth of them for each call: all are taken or refused, none crashes or hangs."""
    for parser in PARSERS.values():
        fuzz_parser(parser, rounds)
    yield f"{len(PARSERS)} parsers, {rounds} cases each ({', '.join(PARSERS)}): all taken, or refused at once"
    examples = max(rounds // _CALLS_SHARE, 1)
    paths = document(Limits())["paths"]
    calls = calls_of(paths)
    with serving(*UNBOUND) as server:
        before = memory(server.process.pid)
        for method, path in calls:
            for mode in _MODES:
                # Nothing can be wrong about a call that takes nothing.
                if mode is _MODES[0] or paths[path][method].keys() & {"parameters", "requestBody"}:
                    fuzz_call(server.url, method, path, mode, examples)
        grew = memory(server.process.pid) - before
    yield f"{len(calls)} calls, {examples} right and {examples} wrong requests each: documented answers, no 5xx"
    yield f"the server grew by {grew / (1 << 20):.0f} MiB"


def fuzz_parser(parser: Callable[[bytes], None], examples: int) -> None:
    @settings(ANYTHING, max_examples=examples)
    @given(st.binary(max_size=2000) | st.text(max_size=500).map(str.encode))
    def parse(data: bytes) -> None:
        began = time.thread_time()
        parser(data)
        promise(time.thread_time() - began < _SLOW, f"{parser.__name__} took too long over {data!r}")

    parse()


main = command(run, 20_000, "Cases of each parser.")

if __name__ == "__main__":
    main()
