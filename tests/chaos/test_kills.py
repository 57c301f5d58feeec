"""20 kills of sla_timer and intake at random moments during 200 mails; prints what it counted, with its seed."""

import asyncio
import random
from pathlib import Path

import pytest

from tests.stories.line import line
from tests.stories.timer import World, of_type

pytestmark = pytest.mark.timeout(400)

MAILS, KILLS, SEED = 200, 20, 20261124


async def test_twenty_kills_during_two_hundred_mails_lose_nothing_and_repeat_nothing(
    kafka: str, topics: str, postgres: str, database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeded = random.Random(SEED)
    async with line(kafka, topics, postgres, database, tmp_path) as made:
        made.environment["PRAZO_SETTLE_SECONDS"] = "1"
        for service in ("intake", "sla_timer"):
            await made.start(service)

        async def send() -> None:
            for n in range(MAILS):
                await made.mail(f"mail {n}")
                await asyncio.sleep(0.05)

        sending = asyncio.create_task(send())
        for _ in range(KILLS):
            await made.live()
            await asyncio.sleep(seeded.uniform(0.3, 2.0))
            victim = seeded.choice(("intake", "sla_timer"))
            await made.children[victim].kill()
            await made.start(victim)
        await sending
        world = World(kafka, topics, "", tmp_path, None)
        told = await world.told(lambda es: len({e.id for e in of_type(es, "breached")}) >= MAILS, 90)
        told = await world.told(lambda _: False, 4)
    breached = of_type(told, "breached")
    tickets = {e.subject for e in of_type(told, "started")}
    ids = {(e.subject, e.id) for e in breached}
    early = [e for e in breached if e.data.detected_at < e.time or e.time != e.data.due_at]
    with capsys.disabled():
        counts = f"mails {MAILS}, kills {KILLS}, tickets {len(tickets)}, breaches {len(ids)}, early {len(early)}"
        print(f"\nchaos (seed {SEED}): {counts}, records {len(breached)}")
    assert (len(tickets), len(ids), len({s for s, _ in ids}), early) == (MAILS, MAILS, MAILS, [])
