"""The command line of sla_timer: what can be asked of it beside running it.

Exit codes: 0 fine, 1 findings, 2 usage or input, 3 environment.
"""

from collections.abc import Sequence

from services.sla_timer.commands import assess, catalog, dlq, explain, replay, simulate
from shared.commands import run_command

COMMANDS = {
    "assess": assess,
    "catalog": catalog,
    "dlq": dlq,
    "explain": explain,
    "replay": replay,
    "simulate": simulate,
}


def command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    return run_command("sla_timer", __doc__, COMMANDS, arguments)
