"""Group commit: messages that wait at the same time are stored by one transaction, so that they share its flush to disk.

A message that comes alone waits for nobody. What fails in a group is tried alone, so that one bad message defers itself.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.intake import metrics
from services.intake.store.mail import Received, store_messages
from shared.postgres import is_of_the_data, is_transient

_MESSAGES = 100
_COPIES = 1_000
_BYTES = 8 * 1024 * 1024
_SECONDS = 10.0
_DIVIDED_SECONDS = 30.0
_BYTES_PER_SECOND = 5_000_000  # what a slow disk writes: a large mail to many mailboxes gets the time it needs
_MOST_SECONDS = 300.0  # a sender waits ten minutes for the answer (RFC 5321, section 4.5.3.2.6)


@dataclass(slots=True)
class _Waiting:
    """The copies of one message and who waits for them."""

    copies: Sequence[Received]
    stored: "asyncio.Future[None]"

    @property
    def size(self) -> int:
        """Return how many bytes it holds."""
        return len(self.copies[0].raw) * len(self.copies)


class GroupCommit:
    """Stores messages; one transaction at a time, of all that came during the one before."""

    def __init__(self, pool: Any) -> None:
        self._pool = pool
        self._waiting: deque[_Waiting] = deque()
        self._writing: asyncio.Task[None] | None = None

    async def store(self, copies: Sequence[Received]) -> None:
        """Return when the copies of one message are committed, all of them; raises why they are not.

        They may be stored though it raises (an answer that was lost): the sender's repetition is then stored once.
        """
        one = _Waiting(copies, asyncio.get_running_loop().create_future())
        self._waiting.append(one)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())
        await one.stored

    async def _write(self) -> None:
        """Store group after group until nobody waits."""
        try:
            while self._waiting:
                group = self._next()
                error = await self._failure(group)
                if error is not None and len(group) > 1 and _may_be_of_one(error):
                    await self._divide(group, error)
                else:
                    _settle(group, error)
        finally:
            self._writing = None
            _settle(self._waiting, ConnectionError("the writer ended"))  # nobody waits for ever
            self._waiting.clear()

    async def _divide(self, group: Sequence[_Waiting], error: Exception) -> None:
        """Store each of a group by itself, as long as its senders may be kept waiting."""
        metrics.groups_divided.inc()
        loop = asyncio.get_running_loop()
        until = loop.time() + _DIVIDED_SECONDS
        for one in group:
            _settle([one], await self._failure([one]) if loop.time() < until else error)

    def _next(self) -> list[_Waiting]:
        """Take the first that waits, and those after it that are not too much for one transaction."""
        group = [self._waiting.popleft()]
        copies, size = len(group[0].copies), group[0].size
        while self._waiting and len(group) < _MESSAGES:
            copies, size = copies + len(self._waiting[0].copies), size + self._waiting[0].size
            if copies > _COPIES or size > _BYTES:
                break
            group.append(self._waiting.popleft())
        return group

    async def _failure(self, group: Sequence[_Waiting]) -> Exception | None:
        """Store a group, or return why not."""
        seconds = min(_MOST_SECONDS, _SECONDS + sum(one.size for one in group) / _BYTES_PER_SECOND)
        try:
            async with asyncio.timeout(seconds), self._pool.acquire(timeout=_SECONDS) as connection:
                await store_messages(connection, [copy for one in group for copy in one.copies])
        except Exception as error:  # noqa: BLE001  # the edge: whatever it is, the senders keep their messages
            return error
        metrics.group_size.observe(len(group))
        return None


def _may_be_of_one(error: Exception) -> bool:
    """Tell whether a group's failure may be that of one message; a database that is away is nobody's."""
    return is_of_the_data(error) or not is_transient(error) or getattr(error, "sqlstate", None) is not None


def _settle(group: Sequence[_Waiting] | deque[_Waiting], error: Exception | None) -> None:
    for one in group:
        if one.stored.done():  # its sender is gone
            continue
        if error is None:
            one.stored.set_result(None)
        else:
            one.stored.set_exception(error)
