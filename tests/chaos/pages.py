"""kill -9 of two notifiers while alerts come in and the mail server has a bad day: every alert reaches somebody, or stands
as a dead letter; what is told twice was ``unknown`` between.

``make pages-chaos [ALERTS=5000] [KILLS=200] [SEED=…]``: prints its seed, what it counted, and every fault.
"""

import argparse
import asyncio
import random
import sys
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from deploy.local.process import Child
from shared import clock
from shared.errors import Transient
from shared.kafka import Producer
from tests.chaos.pages_checks import findings, quiet
from tests.chaos.run import Result, report
from tests.paging import Paging, oncall_of, own_servers
from tests.smtp_sink import FLAKY, Sink

REPLICAS = 2
SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS = 0.2, 4.0
_SETTLED_SECONDS = 400.0


def people(count: int) -> dict[str, Sequence[dict[str, str]]]:
    """Return people, each with two ways; the last one's addresses are none."""
    names = [*(f"p{n}" for n in range(count - 1)), "gone"]
    made = {name: [_by("mail", name), {**_by("reserve", name), "after": "1h"}] for name in names}
    return {**made, "eva": [_by("mail", "eva"), {**_by("reserve", "eva"), "after": "1h"}]}


def _by(channel: str, name: str) -> dict[str, str]:
    return {"by": channel, "to": f"{name}.{channel}@oncall.example"}


async def pages(place: Paging, alerts: int, kills: int, seed: int, assignees: int) -> Result:
    """Publish ``alerts`` breaches, spread over ``kills`` kills, wait until all is settled, and check."""
    chance = random.Random(seed)
    channel = {"kind": "email", "timeout": "2s", "per_minute": 600}
    known = people(assignees)
    async with Sink(random.Random(seed + 1), FLAKY).listening() as sink:
        place.configure(oncall_of({"mail": channel, "reserve": channel}, known), sink.port)
        replicas = [await place.start() for _ in range(REPLICAS)]
        await place.ready()
        lives = [chance.uniform(SHORTEST_LIFE_SECONDS, LONGEST_LIFE_SECONDS) for _ in range(kills)]
        names = [name for name in known if name != "eva"]
        publishing = asyncio.create_task(_publish(place, names, alerts, sum(lives)))
        try:
            for life in lives:
                await asyncio.sleep(life)
                victim = chance.randrange(REPLICAS)
                await replicas[victim].kill()
                replicas[victim] = await place.start()
            await publishing
            async with place.connected() as connection:
                settled = await quiet(connection, alerts, _SETTLED_SECONDS)
                counts, wrong = await findings(connection, sink.kept, await place.notices(), alerts)
        finally:
            publishing.cancel()
            await asyncio.gather(*(_end(replica) for replica in replicas))
    if not settled:
        wrong.append("not all was settled in time")
    return Result({"kills": kills, **counts}, wrong)


async def _publish(place: Paging, names: Sequence[str], alerts: int, seconds: float) -> None:
    """Publish at a steady rate, each breach until the broker has it."""
    async with Producer(place.kafka) as producer:
        began = asyncio.get_running_loop().time()
        for n in range(alerts):
            await asyncio.sleep(max(0.0, began + n * seconds / alerts - asyncio.get_running_loop().time()))
            at = clock.now() - timedelta(seconds=1)
            message = place.message("breached", f"T{n}", at, assignee=names[n % len(names)])
            while True:
                try:
                    if await producer.send_all([message]) == [None]:
                        break
                except Transient:  # the producer is still starting
                    await asyncio.sleep(0.05)


async def _end(replica: Child) -> None:
    await replica.stop(15)


async def _alone(folder: Path, alerts: int, kills: int, seed: int) -> Result:
    """Run on servers of its own."""
    async with own_servers(folder) as (place, _, _):
        return await pages(place, alerts, kills, seed, assignees=max(8, alerts // 60))


def main() -> int:
    """Run once; return 1 when there was a fault."""
    parser = argparse.ArgumentParser(prog="pages", description=__doc__)
    parser.add_argument("--alerts", type=int, default=5000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    arguments = parser.parse_args()
    print(f"pages: seed {arguments.seed}, {arguments.alerts} alerts, {arguments.kills} kills", flush=True)
    return report(
        "pages", lambda folder: _alone(folder, arguments.alerts, arguments.kills, arguments.seed), arguments.seed
    )


if __name__ == "__main__":
    sys.exit(main())
