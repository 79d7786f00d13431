"""What an assistant may do with secrets: hand them over, ask for them, and never see one.

`Agent` acts on files of one folder; `create_server` makes tools of its actions for the Model Context Protocol.
"""

from taina.client.agent.actions import Agent
from taina.client.agent.server import create_server

__all__ = ["Agent", "create_server"]
