"""`taina.wsgi:app`, for WSGI servers other than our own. They need one process, for it alone opens the file, and many
threads. Options come from taina.toml and the environment; where the server listens is its own affair."""

import atexit
from contextlib import ExitStack

from taina.config import load
from taina.server.serve import application

_stack = ExitStack()
app, _ = _stack.enter_context(application(load().config))
atexit.register(_stack.close)
