"""The long tail of services by Apprise: one URL, in threads of its own. It hides answers and ids: it sent, or it did not.

Importing it costs some 30 MB and about half a second, several from a cold disk, so that is done when the first message goes out.
"""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result, Word

_BODY_LENGTH = 2000
_KINDS = {Word.BREACHED: "failure", Word.FINDING: "failure", Word.WARNING: "warning", Word.ALL_CLEAR: "success"}


class Apprise:
    """Sends to one service. A thread that hangs is one of ``at_once``; while all of them hang, messages fail for now."""

    def __init__(self, url: str, timeout_seconds: float, at_once: int) -> None:
        self._url, self._timeout_seconds, self._free = url, timeout_seconds, at_once
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="apprise")

    async def close(self) -> None:
        """Let the threads go; one that hangs ends with its own time limit."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def send(self, message: Outgoing) -> Result:
        """Try once. Whether a service that was too slow has the message nobody can say: unknown."""
        if self._free == 0:
            return Result(Outcome.FAILED_TEMPORARY, Cause.REMOTE_BUSY)
        self._free -= 1
        work = asyncio.get_running_loop().run_in_executor(self._threads, self._sent, message)
        work.add_done_callback(self._freed)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                sent = await asyncio.shield(work)
        except TimeoutError:
            return Result(Outcome.UNKNOWN, Cause.TIMEOUT)
        return Result(Outcome.ACCEPTED) if sent else Result(Outcome.FAILED_TEMPORARY, Cause.NOT_SENT)

    def _freed(self, work: "asyncio.Future[bool]") -> None:
        self._free += 1

    def _sent(self, message: Outgoing) -> bool:
        try:
            return self._notify(message)
        except Exception:  # noqa: BLE001  # the edge: a hundred services by other people, and their texts hold URLs
            return False

    def _notify(self, message: Outgoing) -> bool:
        import apprise  # for those who use it

        logging.getLogger("apprise").setLevel(logging.CRITICAL + 1)  # its lines hold URLs
        service = apprise.Apprise()
        if not service.add(self._url):
            return False
        text = message.content.plain[:_BODY_LENGTH]
        kind = apprise.NotifyType(_KINDS.get(message.word, "info"))
        return bool(
            service.notify(body=text or message.content.subject, title=message.content.subject, notify_type=kind)
        )
