"""What a storm may not have done: read from the database and the topic, judged by what the sender knows."""

import asyncio
import os
import sys
from collections import defaultdict
from collections.abc import Sequence, Set
from typing import Any

import orjson

from shared.clock import to_us
from shared.events import decode
from tests.chaos.storm import TARGET_SECONDS
from tests.stories.timer import World


async def quiet(pool: Any, seconds: float) -> None:
    """Wait until nothing is due and nothing waits to be published."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        waiting = await pool.fetchval("SELECT count(*) FROM outbox")
        due = await pool.fetchval("SELECT count(*) FROM clock WHERE fire_at <= now()")
        if not waiting and not due:
            return
        await asyncio.sleep(0.5)


async def findings(world: World, pool: Any, must: Set[str], in_time: Set[str]) -> tuple[dict[str, int], list[str]]:
    """Return what was counted, and every fault in words."""
    records = await world.read("sla.v1", lambda _: False, 8)
    events = [(record, decode(record.value)) for record in records]
    breaches: dict[str, set[str]] = defaultdict(set)
    wrong: list[str] = []
    for record, event in events:
        if event.type == "sla.breached" and event.data.metric == "response":
            breaches[event.subject].add(event.id)
            if event.data.detected_at < event.time or record.timestamp < to_us(event.time) // 1000:
                wrong.append(f"early: {event.subject}")
        if event.type == "sla.revised":
            wrong.append(f"revised: {event.subject} {event.data.from_} to {event.data.to}")
    wrong += [f"lost: {ticket}" for ticket in sorted(must - set(breaches))]
    wrong += [f"false: {ticket}" for ticket in sorted(set(breaches) - must)]
    wrong += [f"twice: {ticket}" for ticket, ids in breaches.items() if len(ids) > 1]
    told = {event.subject for _, event in events}
    wrong += [f"never told of: {ticket}" for ticket in sorted((must | in_time) - told)]
    wrong += _out_of_order([event for _, event in events])
    wrong += await _not_as_replayed(world)
    left = await pool.fetchval("SELECT count(*) FROM outbox")
    wrong += [f"outbox: {left} left"] if left else []
    counts = {"tickets": len(must) + len(in_time), "due": len(must), "told": len(breaches), "records": len(records)}
    repeated = len(events) - len({event.id for _, event in events})
    return {**counts, "repeated_records": repeated}, wrong


def _out_of_order(events: Sequence[Any]) -> list[str]:
    """First tellings of one ticket come by sequence; the warning of a clock before its breach."""
    wrong, seen = [], set()
    last: dict[str, int] = defaultdict(int)
    breached = set()
    for event in events:
        if event.id in seen:
            continue
        seen.add(event.id)
        if event.data.sequence <= last[event.subject]:
            wrong.append(f"order: {event.subject} {event.data.sequence} after {last[event.subject]}")
        last[event.subject] = event.data.sequence
        clock = event.subject, event.data.metric
        if event.type == "sla.breached":
            breached.add(clock)
        if event.type == "sla.warning" and clock in breached:
            wrong.append(f"warning after breach: {event.subject}")
    return wrong


async def _not_as_replayed(world: World) -> list[str]:
    """Every clock is what its journal says today, none left to be fired or judged: the product's own command says so."""
    argv = [sys.executable, "-m", "services.sla_timer", "replay", "--json"]
    environment = {**os.environ, **world.environment()}
    replay = await asyncio.create_subprocess_exec(*argv, env=environment, stdout=asyncio.subprocess.PIPE)
    printed, _ = await replay.communicate()
    *differences, counts = printed.decode().splitlines() or ["nothing was printed"]
    if replay.returncode == 0 and not any(orjson.loads(counts)[left] for left in ("due_not_fired", "to_judge_anew")):
        return []
    return [f"replay: {line}" for line in (*differences, counts)]


SETTLED_SECONDS = TARGET_SECONDS + 120
