"""How long to wait before trying again."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import structlog

log = structlog.get_logger(__name__)

_BACKOFF_SECONDS = (0.1, 5.0)


def backoff_seconds(attempt: int) -> float:
    """Return the wait before retry ``attempt`` (0, 1, …): 0.1 s doubling to 5 s, with full jitter on the upper half."""
    low, high = _BACKOFF_SECONDS
    return min(high, low * 2.0 ** min(attempt, 10)) * random.uniform(0.5, 1.0)  # noqa: S311  # jitter, not a secret


async def keep_trying(what: str, start: Callable[[], Awaitable[object]]) -> None:
    """Call ``start`` until it succeeds, with jittered backoff up to five seconds; each failure is logged."""
    attempt = 0
    while True:
        try:
            await start()
            return
        except Exception as error:  # noqa: BLE001  # the edge: whatever keeps a client from starting is logged and waited out
            log.warning("kafka_not_reached", what=what, error=type(error).__name__)
            await asyncio.sleep(backoff_seconds(attempt))
            attempt += 1
