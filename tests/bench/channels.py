"""Does a slow or dead channel delay another? Mails alone, beside a webhook that answers after 30 s and one that nobody
answers at, and, so that the load is told apart from the sickness, beside two webhooks that answer at once, with as many
notices each; in turn, each run with a process and a database of its own."""

import asyncio
import os
import statistics
from collections.abc import AsyncIterator
from typing import Any

from deploy.local.process import free_port
from shared.kafka import Producer
from tests.bench.hook_sink import HookSink
from tests.bench.paged import breaches, fresh, one_way, percentiles, started, stream, until
from tests.paging import Paging, oncall_of
from tests.smtp_sink import Sink

PAIRS = int(os.environ.get("PRAZO_BENCH_PAIRS", "5"))
PEOPLE, PER_SECOND, SECONDS, SLOW_SECONDS = 150, 10, 30, 30.0
_KINDS = ("healthy", "slow", "dead")
_PATIENCE_SECONDS = 60.0


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the times of the healthy channel, alone and in bad company, and their ratios by pair."""
    found: dict[str, list[dict[str, float]]] = {"alone": [], "beside_sick": [], "beside_well": []}
    for _ in range(PAIRS):
        found["alone"].append(await _once(bootstrap, admin_dsn, _KINDS[:1]))
        found["beside_sick"].append(await _once(bootstrap, admin_dsn, _KINDS))
        found["beside_well"].append(await _once(bootstrap, admin_dsn, _KINDS, well=True))
    yield {
        "measure": "a_channel_beside_a_slow_and_a_dead_one",
        "notices_per_channel": PER_SECOND * SECONDS,
        "pairs": PAIRS,
        "to_alone": _ratios(found["beside_sick"], found["alone"]),
        "to_beside_well": _ratios(found["beside_sick"], found["beside_well"]),
        **found,
        "waited_for_another_channel": sum(one["max_ms"] >= 5_000 for one in found["beside_sick"]),
    }


def _ratios(ours: list[dict[str, float]], others: list[dict[str, float]]) -> dict[str, float]:
    """Return the median of the ratios of each pair."""
    return {
        name: round(statistics.median(a[name] / b[name] for a, b in zip(ours, others, strict=True)), 2)
        for name in ("p50_ms", "p99_ms", "max_ms")
    }


async def _once(bootstrap: str, admin_dsn: str, kinds: tuple[str, ...], *, well: bool = False) -> dict[str, float]:
    async with (
        fresh(bootstrap, admin_dsn) as place,
        Producer(bootstrap) as producer,
        Sink().listening() as mails,
        HookSink(0.0 if well else SLOW_SECONDS).listening() as hooks,
    ):
        _configure(place, mails, hooks.port, hooks.port if well else free_port())
        notifier = await place.start()
        try:
            await asyncio.gather(place.ready(), started(producer))
            return await _measured(place, producer, mails, kinds)
        finally:
            await notifier.stop(15)


async def _measured(place: Paging, producer: Producer, mails: Sink, kinds: tuple[str, ...]) -> dict[str, float]:
    """Warm up, then publish to every kind in turn; return the times of the healthy ones."""
    await stream(producer, breaches(place, "warm-", [f"healthy{n}" for n in range(PEOPLE)], 20), PER_SECOND)
    await until(lambda: len(mails.kept) >= 20, _PATIENCE_SECONDS)
    count = PER_SECOND * SECONDS
    each = [breaches(place, f"{kind}-", [f"{kind}{n}" for n in range(PEOPLE)], count) for kind in kinds]
    messages = [message for together in zip(*each, strict=True) for message in together]
    at = await stream(producer, messages, PER_SECOND * len(kinds))
    await until(lambda: _healthy(mails) >= count, _PATIENCE_SECONDS)
    found = [mail for mail in mails.kept if mail.header("Prazo-Ticket").startswith("healthy-")]
    return percentiles([mail.at - at[mail.header("Prazo-Ticket")] for mail in found if mail.to.startswith("healthy")])


def _healthy(mails: Sink) -> int:
    return sum(mail.to.startswith("healthy") for mail in mails.kept) - 20


def _configure(place: Paging, mails: Sink, slow_port: int, dead_port: int) -> None:
    """The same channels in every run. Findings of the broken channels go out by a channel of their own."""
    hook = {"kind": "webhook", "key_file": "hook_key", "timeout": "40s"}
    channels = {
        "mail": {"kind": "email"},
        "office": {"kind": "email"},
        "slow": {**hook, "url": f"http://127.0.0.1:{slow_port}/"},
        "dead": {**hook, "url": f"http://127.0.0.1:{dead_port}/"},
    }
    (place.folder / "hook_key").write_text("k" * 32, encoding="ascii")
    people: dict[str, Any] = one_way("mail", [f"healthy{n}" for n in range(PEOPLE)])
    people |= {f"{kind}{n}": [{"by": kind}] for kind in _KINDS[1:] for n in range(PEOPLE)}
    people |= one_way("office", ["eva"])
    place.configure(oncall_of(channels, people), mails.port)
    place.environment["PRAZO_ALLOWED_NETWORKS"] = '["127.0.0.0/8"]'
