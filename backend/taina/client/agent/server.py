"""The actions of an agent as tools of the Model Context Protocol."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError

from taina import __version__
from taina.client.agent.actions import Agent, AskedFor, Fetched, HandedOver, Seen
from taina.errors import TainaError

_INSTRUCTIONS = """Hands secrets over and asks for them without showing them to you. Give each link to the person \
whom it is for, whole and unchanged, and never open it: it can be opened once, and whoever opens it has the secret."""


def create_server(agent: Agent, log: Callable[[str], None]) -> MCPServer[None]:
    """A server with five tools, to be run on standard input and output.

    Args:
        log: told of every call, in one line without addresses, identifiers and contents.
    """
    server: MCPServer[None] = MCPServer("taina", version=__version__, instructions=_INSTRUCTIONS, log_level="ERROR")

    @contextmanager
    def told(what: str) -> Iterator[None]:
        try:
            yield
        except TainaError as error:
            log(f"{what}: {error.code}")
            raise ToolError(error.detail) from None
        except BaseException:
            log(f"{what}: failed")
            raise
        log(f"{what}: done")

    @server.tool()
    def send(
        file: str | None = None,
        variable: str | None = None,
        lifetime_seconds: int | None = None,
        passphrase_file: str | None = None,
    ) -> HandedOver:
        """Make a link that can be opened once from a file, from a variable in a file of variables (such as .env), \
or from an allowed variable of the environment. Paths are relative to the folder that this program may use. With \
passphrase_file, six words that the reader needs as well are written into a new file; the person tells them some \
other way than the link."""
        with told(f"send {_named(file, variable)}"):
            return agent.send(file, variable, lifetime_seconds, passphrase_file)

    @server.tool()
    def request(lifetime_seconds: int | None = None) -> AskedFor:
        """Make a link with which a person can leave a secret. Give it to the person who has the secret; then call \
fetch."""
        with told("request"):
            return agent.request(lifetime_seconds)

    @server.tool()
    def fetch(
        request: str,
        file: str,
        variable: str | None = None,
        passphrase_file: str | None = None,
        wait_seconds: int = 60,
    ) -> Fetched:
        """Wait for the answer to a request (at most 600 seconds a call; call again if it has not arrived) and save \
it: in a new file, or in a file of variables under the name `variable`. You are told where it is, not what it says."""
        with told(f"fetch {_named(request)} into {_named(file, variable)}"):
            return agent.fetch(request, file, variable, passphrase_file, wait_seconds)

    @server.tool()
    def look(secret: str) -> Seen:
        """What became of a secret that you sent: waiting, opened, expired, burned, locked."""
        with told(f"look {_named(secret)}"):
            return agent.look(secret)

    @server.tool()
    def burn(secret: str) -> str:
        """Destroy a secret that you sent and that nobody has opened."""
        with told(f"burn {_named(secret)}"):
            agent.burn(secret)
        return "Burned. Its link opens nothing any more."

    return server


def _named(*names: str | None) -> str:
    """What a model may have named, in one printable line."""
    return " ".join(ascii(name) for name in names if name is not None) or "nothing"
