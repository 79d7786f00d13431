"""With this folder in PYTHONPATH, every Python gets the watches whose folders are named in its environment."""

import os
import sys

# `taina` starts as it does for users: what httpx would load because our tests have it takes a third of its time.
sys.modules.update(dict.fromkeys(("pygments", "rich", "trio")))  # type: ignore[arg-type]

for _variable, _watch in {"WATCH_CONNECTIONS": "connection_watch", "WATCH_TURNS": "turn_watch"}.items():
    if _variable in os.environ:
        __import__(_watch)
