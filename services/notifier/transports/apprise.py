"""The long tail of services by Apprise: one URL, in threads of its own. It hides answers and ids: it sent, or it did not.

Importing it costs some 30 MB and one to seven seconds, so only who has such a channel does it, in a thread, when it is opened.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result, Word

_BODY_LENGTH = 2000
_KINDS = {Word.BREACHED: "failure", Word.FINDING: "failure", Word.WARNING: "warning", Word.ALL_CLEAR: "success"}


class Apprise:
    """Sends to one service. A thread that hangs is one of ``at_once``; while all of them hang, messages fail for now."""

    def __init__(self, url: str, timeout_seconds: float, at_once: int) -> None:
        self._url, self._timeout_seconds, self._free = url, timeout_seconds, at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="apprise")
        self._threads.submit(self._service)  # loads what the first message would wait for

    async def close(self) -> None:
        """Let the threads go; one that hangs ends with its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, message: Outgoing) -> Result:
        """Try once. Whether a service that was too slow has the message nobody can say: unknown."""
        if self._free == 0:
            return Result(Outcome.FAILED_TEMPORARY, Cause.REMOTE_BUSY)
        self._free -= 1
        work = self._threads.submit(self._sent, message)
        done = asyncio.wrap_future(work)
        done.add_done_callback(self._freed)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                sent = await asyncio.shield(done)
        except TimeoutError:
            not_begun = work.cancel()
            return Result(Outcome.FAILED_TEMPORARY if not_begun else Outcome.UNKNOWN, Cause.TIMEOUT)
        return Result(Outcome.ACCEPTED) if sent else Result(Outcome.FAILED_TEMPORARY, Cause.NOT_SENT)

    def _freed(self, _: object) -> None:
        self._free += 1

    def _sent(self, message: Outgoing) -> bool:
        try:
            return self._notify(message)
        except Exception:  # noqa: BLE001  # the edge: a hundred services by other people, and their texts hold URLs
            return False

    def _notify(self, message: Outgoing) -> bool:
        service, title = self._service(), message.content.subject
        if service is None:
            return False
        body, kind = message.content.plain[:_BODY_LENGTH] or title, _KINDS.get(message.word, "info")
        return bool(service.notify(body=body, title=title, notify_type=kind))

    def _service(self) -> Any:
        """Return the service of our URL; None for one that Apprise does not know."""
        import apprise  # for those who use it

        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold URLs
        service = apprise.Apprise()
        return service if service.add(self._url) else None
