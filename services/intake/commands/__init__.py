"""The command line of intake: what can be asked of it beside running it.

Exit codes: 0 fine, 1 findings, 2 usage or input, 3 environment.
"""

from collections.abc import Sequence

from services.intake.commands import classify, contacts, forget, password, schema, token
from shared.commands import run_command

COMMANDS = {
    "classify": classify,
    "contacts": contacts,
    "forget": forget,
    "password": password,
    "schema": schema,
    "token": token,
}


def command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    return run_command("intake", __doc__, COMMANDS, arguments)
