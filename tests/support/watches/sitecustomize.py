"""With this folder in PYTHONPATH, every Python gets the watches whose folders are named in its environment."""

import os

for _variable, _watch in {"WATCH_CONNECTIONS": "connection_watch", "WATCH_TURNS": "turn_watch"}.items():
    if _variable in os.environ:
        __import__(_watch)
