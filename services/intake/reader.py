"""Mails are read in a process of their own: one that takes too long, or takes the process down, stops nobody."""

import asyncio
import multiprocessing
from concurrent.futures import Future
from datetime import datetime
from typing import Any

import structlog
from pebble import ProcessExpired, ProcessPool

from services.intake.domain.contact import Contact, Known, understand, unread

log = structlog.get_logger(__name__)

READ_SECONDS = 10.0
_READINGS = 2  # a machine may stumble: a mail is called unreadable when it was so twice
_READ_BY_ONE = 2_000  # mails; then a fresh process takes over, whatever its memory looks like


class Reader:
    """The process, as a resource of the service; it starts with the first mail. ``known`` may be replaced between two mails."""

    def __init__(self, known: Known, seconds: float = READ_SECONDS) -> None:
        self.known, self._seconds = known, seconds
        self._pool: Any = None

    async def __aenter__(self) -> "Reader":
        """Nothing is started yet."""
        spawn = multiprocessing.get_context("spawn")  # a fork of a process with threads and an event loop is no friend
        self._pool = ProcessPool(max_workers=1, max_tasks=_READ_BY_ONE, context=spawn, initializer=_ready)
        return self

    async def __aexit__(self, *_: object) -> None:
        """End the process."""
        self._pool.stop()
        await asyncio.to_thread(self._pool.join, 5)

    async def read(self, raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
        """Return what a mail says; of one that cannot be read in time, why."""
        for last in (False,) * (_READINGS - 1) + (True,):
            reading: Future[Contact] = self._pool.schedule(
                understand,
                args=(raw, self.known, received_at),
                kwargs={"null_sender": null_sender, "mailbox": mailbox},
                timeout=self._seconds,
            )
            try:
                return await asyncio.wrap_future(reading)
            except TimeoutError:
                reason = "timeout"
                log.warning("reading_took_too_long", seconds=self._seconds, last=last)
            except ProcessExpired as error:
                reason = "reader_ended"
                log.warning("reading_ended_its_process", exitcode=error.exitcode, last=last)
        return unread(raw, self.known.triage, reason)


def _ready() -> None:
    """Begin a process: what it needs is imported with this function, before the time of its first mail is counted."""
