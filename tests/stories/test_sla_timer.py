"""sla_timer as the world sees it: events in, verdicts out; killed, doubled, poisoned, away."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.stories.timer import World, of_type
from tests.stories.timer import world as make_world

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
async def world(kafka: str, topics: str, postgres: str, database: str, tmp_path: Path) -> AsyncIterator[World]:
    async with make_world(kafka, topics, postgres, database, tmp_path) as made:
        yield made


async def test_an_unanswered_ticket_is_warned_once_and_breached_once_never_early(world: World) -> None:
    replica = await world.replica()
    try:
        await world.open("FIRST")  # it works once this one is told of: what follows is not late for the start
        await world.told(lambda es: bool(of_type(es, "started")), 40)
        await world.open("T1")
        told = await world.told(lambda es: any(e.subject == "T1" for e in of_type(es, "breached")), 40)
    finally:
        await replica.stop()
    told = [e for e in told if e.subject == "T1"]
    assert [e.type for e in told if e.data.metric == "response"] == ["sla.started", "sla.warning", "sla.breached"]
    (breach,) = of_type(told, "breached")
    assert breach.time == breach.data.due_at == breach.data.ticket.opened_at + timedelta(seconds=4)
    assert timedelta(0) <= breach.data.detected_at - breach.time
    assert [e.data.sequence for e in told] == sorted({e.data.sequence for e in told})
    assert sum(i.seconds for i in breach.data.explanation if i.kind == "counted") == 4


async def test_a_poison_record_goes_to_the_dead_letters_and_the_good_ones_go_on(world: World) -> None:
    replica = await world.replica()
    poison = [b"not json", b"\xff\xfe", b"{}", None]
    try:
        await world.open("A")
        for value in poison:
            await world.producer.send_and_wait(f"{world.prefix}tickets.v1", value, key=b"A", headers=[("x", b"\xff")])
        await world.send("opened", "W", service="triage", channel="WhatsApp", title="t")
        await world.open("B")
        told = await world.told(lambda es: {e.subject for e in of_type(es, "started")} == {"A", "B"}, 40)
        letters = await world.read("tickets.v1.dlq", lambda found: len(found) >= 5, 20)
    finally:
        await replica.stop()
    assert {e.subject for e in told} == {"A", "B"}
    reasons = Counter(dict(letter.headers)["prazo-reason"] for letter in letters)
    assert reasons == {b"not_json": 2, b"unknown_type": 1, b"empty": 1, b"policy_rule_8": 1}
    assert {letter.value for letter in letters if dict(letter.headers)["prazo-reason"] == b"not_json"} == set(
        poison[:2]
    )


async def test_answered_in_time_while_sla_timer_is_away_is_no_false_breach(world: World) -> None:
    for n in range(200):
        await world.open(f"T{n}", ago=60)
        await world.send("responded", f"T{n}", ago=58, by="ana")
    await world.open("LATE", ago=60)
    replica = await world.replica()
    try:
        told = await world.told(lambda es: len(of_type(es, "met")) >= 200 and bool(of_type(es, "breached")), 60)
    finally:
        await replica.stop()
    assert len(of_type(told, "met")) == 200
    (late,) = of_type(told, "breached")
    assert (late.subject, late.data.detected_late) == ("LATE", True)


async def test_killed_at_random_with_two_replicas_every_breach_is_told_once_and_none_early(world: World) -> None:
    seeded = random.Random(11)
    world.settings["PRAZO_SETTLE_SECONDS"] = "0.5"
    replicas = [await world.replica(), await world.replica()]
    tickets = [f"K{n}" for n in range(100)]
    try:
        for round_ in range(6):
            for ticket in tickets[round_ * 16 : round_ * 16 + 16] if round_ < 5 else tickets[80:]:
                await world.open(ticket)
            await asyncio.sleep(seeded.uniform(0.5, 2.5))
            victim = seeded.randrange(2)
            await replicas[victim].kill()
            replicas[victim] = await world.replica()
        told = await world.told(lambda es: len({e.subject for e in of_type(es, "breached")}) >= 100, 60)
        told = await world.told(lambda _: False, 3)
    finally:
        for replica in replicas:
            await replica.kill()
    ids = {e.subject: {b.id for b in of_type(told, "breached") if b.subject == e.subject} for e in told}
    assert {subject: len(found) for subject, found in ids.items()} == dict.fromkeys(tickets, 1)
    assert not [e for e in of_type(told, "breached") if e.data.detected_at < e.time]
