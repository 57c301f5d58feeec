"""10,000 breaches in one second to one person: few messages, nothing hidden, every event recorded, taken with one press."""

import asyncio
import os
import re
import time
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx

from shared.kafka import Producer
from tests.bench.paged import breaches, fresh, one_way, started, until
from tests.bench.process import resident_mb
from tests.paging import Paging, oncall_of
from tests.smtp_sink import Kept, Sink

BREACHES = int(os.environ.get("PRAZO_BENCH_BREACHES", "10000"))
_PATIENCE_SECONDS = 300.0


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield what became of the storm."""
    async with fresh(bootstrap, admin_dsn) as place, Producer(bootstrap) as producer, Sink().listening() as mails:
        place.configure(oncall_of({"mail": {"kind": "email"}}, one_way("mail", ["ana", "eva"])), mails.port)
        notifier = await place.start()
        watching = None
        try:
            await asyncio.gather(place.ready(), started(producer))
            peak = [resident_mb(notifier.pid)]
            watching = asyncio.create_task(_watch(notifier.pid, peak))
            began = asyncio.get_running_loop().time()
            results = await producer.send_all(breaches(place, "S", ["ana"], BREACHES))
            published = asyncio.get_running_loop().time() - began
            if any(results):
                raise RuntimeError(f"the broker refused a record: {next(filter(None, results))!r}")
            await until(lambda: _told(mails) >= BREACHES, _PATIENCE_SECONDS)
            seconds = [round(mail.at - began, 1) for mail in mails.kept]
            taken, acknowledged = await _take_all(mails.kept)
            told = Counter(event.type for event in await _all_events(place, BREACHES))
            yield {
                "measure": "storm",
                "breaches": BREACHES,
                "seconds_to_publish": round(published, 1),
                "messages": len(mails.kept),
                "alerts_of_each_message": [_alerts(mail) for mail in mails.kept],
                "seconds_to_each_message": seconds,
                "posts_to_take_all": taken,
                "seconds_to_take_all": acknowledged,
                "events": dict(sorted(told.items())),
                "resident_mb_before": round(peak[0], 1),
                "resident_mb_peak": round(max(peak), 1),
            }
        finally:
            if watching is not None:
                watching.cancel()
            await notifier.stop(20)


def _alerts(mail: Kept) -> int:
    found = re.match(r"\[SLA\] (\d+) ", mail.header("Subject"))
    return int(found[1]) if found else 1


def _told(mails: Sink) -> int:
    return sum(map(_alerts, mails.kept))


async def _take_all(kept: list[Kept]) -> tuple[int, float]:
    """Press the button of each message; return how often, and the seconds of all."""
    began = time.perf_counter()
    async with httpx.AsyncClient(timeout=60) as client:
        for mail in kept:
            link = re.search(rb"http://127\.0\.0\.1:\d+/a/\d+/[0-9a-zA-Z_=-]+", mail.raw.replace(b"=\r\n", b""))
            if link is None:
                raise RuntimeError("a message without its link")
            if (await client.post(link[0].decode())).status_code != 303:
                raise RuntimeError("a link that takes nothing")
    return len(kept), round(time.perf_counter() - began, 1)


async def _all_events(place: Paging, count: int) -> list[Any]:
    async with place.connected() as connection, asyncio.timeout(_PATIENCE_SECONDS):
        while await connection.fetchval("SELECT count(*) FROM outbox"):
            await asyncio.sleep(0.2)
        if await connection.fetchval("SELECT count(*) FROM alert WHERE acknowledged_at IS NOT NULL") != count:
            raise RuntimeError("an alert that nobody took")
    return await place.notices()


async def _watch(pid: int, peak: list[float]) -> None:
    while True:
        await asyncio.sleep(0.2)
        peak.append(resident_mb(pid))
