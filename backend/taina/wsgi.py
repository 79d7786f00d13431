"""`taina.wsgi:app`, for WSGI servers other than our own. They need one process, for it alone opens the file, and many
threads. Options come from taina.toml and the environment; where the server listens is its own affair."""

import atexit
from contextlib import ExitStack

from taina.config import load
from taina.server.serve import StartError, application

_config = load().config
if _config.create == "proxy":
    # They join a header that comes twice, and some take Remote_User for Remote-User: anybody could claim any login.
    raise StartError('create = "proxy" works with `taina serve` alone, which reads the headers of a proxy strictly.')
_stack = ExitStack()
app, _ = _stack.enter_context(application(_config))
atexit.register(_stack.close)
