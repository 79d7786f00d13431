"""The command `taina`: one module a command."""

import click

from taina import __version__
from taina.cli.commands import Commands

_HOMES = {
    "send": "taina.cli.send:send",
    "open": "taina.cli.open:open_",
    "status": "taina.cli.status:status",
    "receipt": "taina.cli.receipt:receipt",
    "burn": "taina.cli.burn:burn",
    "request": "taina.cli.request:request",
    "answer": "taina.cli.answer:answer",
    "inbox": "taina.cli.inbox:inbox",
    "bridge": "taina.cli.bridge:bridge",
    "agent": "taina.cli.agent:agent",
    "serve": "taina.cli.serve:serve",
    "migrate": "taina.cli.migrate:migrate",
    "keys": "taina.cli.keys:keys",
    "site": "taina.cli.site:site",
    "verify": "taina.cli.verify:verify",
    "doctor": "taina.cli.doctor:doctor",
    "takedown": "taina.cli.takedown:takedown",
    "backup": "taina.cli.backup:backup",
    "config": "taina.cli.config:config",
    "completion": "taina.cli.completion:completion",
    "licences": "taina.cli.licences:licences",
}


_SECRETIVE = {"send", "open", "status", "receipt", "burn", "request", "answer", "inbox", "bridge", "agent", "takedown"}


@click.group(cls=Commands, homes=_HOMES, secretive=_SECRETIVE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """One-time secrets: encrypted before they leave you, opened once, gone.

    \b
    Exit codes: 0 done, 1 failed on this machine, 2 usage, 3 gone, 4 wrong passphrase, 5 network, 6 refused,
    7 unproved (receipt), 130 interrupted.
    """
