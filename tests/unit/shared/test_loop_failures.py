"""A loop that fails says what is wrong, but never repeats a value that could not be stored."""

import asyncio
from contextlib import suppress

import asyncpg
import pytest
from structlog.testing import capture_logs

from shared.service import Loop, keep_turning

CASES = [
    (asyncpg.DataError("invalid input for query argument $1: 'zelda@canario.example'"), ""),
    (asyncpg.UniqueViolationError("Key (address)=(zelda@canario.example) already exists."), ""),
    (ValueError("zelda@canario.example"), ""),
    (OSError("Connect call failed\nmore"), "Connect call failed"),
]


@pytest.mark.parametrize(("error", "detail"), CASES)
async def test_a_failure_is_logged_without_data(error: Exception, detail: str) -> None:
    async def turn() -> bool:
        raise error

    with capture_logs() as logs:
        task = asyncio.create_task(keep_turning(Loop("x", turn, 60)))
        await asyncio.sleep(0.05)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert logs[0] == {
        "event": "loop_failed",
        "loop": "x",
        "error": type(error).__name__,
        "detail": detail,
        "log_level": "warning",
    }
