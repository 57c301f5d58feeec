"""A thread for calls that block: one at a time, awaited from the event loop; it never keeps the process from ending."""

import asyncio
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class CallingThread:
    """The thread; it starts at once and ends after ``stop``."""

    def __init__(self, name: str) -> None:
        self._calls: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            future, function = call
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(function())
                except BaseException as error:  # noqa: BLE001  # it belongs to whoever awaits the call
                    future.set_exception(error)

    async def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what ``function`` returns, or raise what it raises."""
        future: Future[T] = Future()
        self._calls.put((future, lambda: function(*args, **kwargs)))
        return await asyncio.wrap_future(future)

    async def stop(self, timeout: float) -> bool:
        """End after the call in hand; False when that takes longer than ``timeout`` seconds, and is left behind."""
        self._calls.put(None)
        await asyncio.to_thread(self._thread.join, timeout)
        return not self._thread.is_alive()
