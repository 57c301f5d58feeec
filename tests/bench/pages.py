"""Pages as a process sends them: how soon after the broker has a breach its mail is accepted, and how many a second.

A bare sender does its part of the work in the same run, alternating. Many people, so that nothing is gathered.
"""

import asyncio
import os
import statistics
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any

from deploy.local.process import Child, Command
from shared.kafka import Message, Producer
from tests.bench.hook_sink import HookSink
from tests.bench.paged import breaches, fresh, one_way, percentiles, started, stream, until
from tests.bench.process import resident_mb
from tests.paging import Paging, oncall_of
from tests.smtp_sink import Sink

PEOPLE, PAIRS, PER_SECOND = 2_000, 3, 100
SECONDS = int(os.environ.get("PRAZO_BENCH_SECONDS", "20"))
BURST = 2_000
_AT_ONCE = 1_000_000.0
_PATIENCE_SECONDS = 120.0


@dataclass
class _Run:
    """Both senders, and where their mails come in."""

    place: Paging
    other: Paging
    producer: Producer
    ours: Sink
    bare: Sink
    people: Sequence[str]

    async def mails(self, place: Paging, sink: Sink, name: str, count: int, per_second: float) -> list[float]:
        """Return the seconds from the broker's acknowledgement to the mail's acceptance, of each breach."""
        before = len(sink.kept)
        at = await stream(self.producer, self._messages(place, name, count), per_second)
        await until(lambda: len(sink.kept) >= before + count, _PATIENCE_SECONDS)
        return [mail.at - at[mail.header("Prazo-Ticket")] for mail in sink.kept[before:]]

    def _messages(self, place: Paging, name: str, count: int) -> Sequence[Message]:
        return breaches(place, f"{name}-", [who for who in self.people if who.startswith("m")], count)


async def run(bootstrap: str, admin_dsn: str) -> AsyncIterator[dict[str, Any]]:
    """Yield the time to an accepted mail at a steady rate, the rates of a burst by channel, and the memory."""
    async with (
        fresh(bootstrap, admin_dsn) as place,
        fresh(bootstrap, admin_dsn) as other,
        Producer(bootstrap) as producer,
        Sink().listening() as ours,
        Sink().listening() as bare,
        HookSink().listening() as hooks,
    ):
        people = [*(f"m{n}" for n in range(PEOPLE)), *(f"w{n}" for n in range(PEOPLE))]
        _configure(place, people, ours, hooks)
        argv = [sys.executable, "-m", "tests.bench.bare_pages", bootstrap, f"{other.topics}sla.v1", str(bare.port)]
        sender = await Child.start(Command(argv, other.folder / "bare.log"))
        notifier = await place.start()
        try:
            await asyncio.gather(place.ready(), started(producer))
            made = _Run(place, other, producer, ours, bare, people)
            await made.mails(place, ours, "warm", 50, PER_SECOND)
            await made.mails(other, bare, "warm", 50, PER_SECOND)
            memory = [resident_mb(notifier.pid)]
            yield await _steady(made)
            memory.append(resident_mb(notifier.pid))
            await asyncio.sleep(60)  # what a person got in the last minute counts
            yield await _burst(made)
            yield await _hooks(made, hooks)
            memory.append(resident_mb(notifier.pid))
            yield {"measure": "memory_while_paging", "resident_mb": [round(mb, 1) for mb in memory]}
        finally:
            await asyncio.gather(sender.stop(), notifier.stop())


def _configure(place: Paging, people: Sequence[str], mails: Sink, hooks: HookSink) -> None:
    hook = {"kind": "webhook", "url": f"http://127.0.0.1:{hooks.port}/", "key_file": "hook_key", "per_minute": 600}
    (place.folder / "hook_key").write_text("k" * 32, encoding="ascii")
    ways = one_way("mail", [who for who in [*people, "eva"] if not who.startswith("w")])
    ways |= {who: [{"by": "hook"}] for who in people if who.startswith("w")}
    place.configure(oncall_of({"mail": {"kind": "email"}, "hook": hook}, ways), mails.port)
    place.environment["PRAZO_ALLOWED_NETWORKS"] = '["127.0.0.0/8"]'


async def _steady(made: _Run) -> dict[str, Any]:
    count = PER_SECOND * SECONDS
    found: dict[str, list[dict[str, float]]] = {"ours": [], "bare": []}
    for pair in range(PAIRS):
        bare = await made.mails(made.other, made.bare, f"b{pair}", count, PER_SECOND)
        ours = await made.mails(made.place, made.ours, f"o{pair}", count, PER_SECOND)
        found["bare"].append(percentiles(bare))
        found["ours"].append(percentiles(ours))
    median = {
        who: {name: statistics.median(one[name] for one in runs) for name in runs[0]} for who, runs in found.items()
    }
    baseline = {f"baseline_bare_aiosmtplib_{name}": value for name, value in median["bare"].items()}
    words = {"measure": "broker_record_to_accepted_mail", "alerts_per_second": PER_SECOND, "alerts": count}
    return {**words, "pairs": PAIRS, **median["ours"], **baseline, "each": found}


async def _burst(made: _Run) -> dict[str, Any]:
    bare = max(await made.mails(made.other, made.bare, "burst-b", BURST, _AT_ONCE))
    ours = max(await made.mails(made.place, made.ours, "burst-o", BURST, _AT_ONCE))
    words = {"measure": "pages_per_second", "channel": "email", "alerts": BURST, "at_once": 20}
    return {**words, "pages_per_second": round(BURST / ours), "baseline_bare_aiosmtplib": round(BURST / bare)}


async def _hooks(made: _Run, hooks: HookSink) -> dict[str, Any]:
    people = [who for who in made.people if who.startswith("w")]
    at = await stream(made.producer, breaches(made.place, "burst-w-", people, BURST), _AT_ONCE)
    await until(lambda: len(hooks.came) >= BURST, _PATIENCE_SECONDS)
    seconds = max(hooks.came.values()) - min(at.values())
    return {
        "measure": "pages_per_second",
        "channel": "webhook",
        "alerts": BURST,
        "at_once": 10,
        "pages_per_second": round(BURST / seconds),
    }
