"""The command line of notifier: what can be asked of it beside running it.

Exit codes: 0 fine, 1 findings, 2 usage or input, 3 environment.
"""

from collections.abc import Sequence

from services.notifier.commands import callbacks, coverage, dlq, schema, test_page, why
from shared.commands import run_command

COMMANDS = {
    "callbacks": callbacks,
    "coverage": coverage,
    "dlq": dlq,
    "schema": schema,
    "test-page": test_page,
    "why": why,
}


def command(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    return run_command("notifier", __doc__, COMMANDS, arguments)
