"""The yardstick: Falcon on our own listener, giving the same bytes to whoever asks.

python -m bench.constant PORT BYTES
"""

import sys
from typing import Any

import falcon

from taina.server.listener import Listener


class _Constant:
    def __init__(self, size: int) -> None:
        self._answer = b"x" * size

    def __call__(self, req: falcon.Request, resp: falcon.Response, **kwargs: Any) -> None:
        resp.data = self._answer


def main() -> None:
    app = falcon.App()
    app.add_sink(_Constant(int(sys.argv[2])))
    listener = Listener(app, "127.0.0.1", int(sys.argv[1]))
    listener.stop_on_signals()
    listener.run()


if __name__ == "__main__":
    main()
