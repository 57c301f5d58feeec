"""kill -9 of intake among mail servers that try again: 250 is one ticket for the mail and one copy per mailbox, for ever.

``make deliveries [MAILS=2000] [KILLS=20] [SEED=…]``: prints its seed, what it counted, and every fault.
"""

import argparse
import asyncio
import hashlib
import random
import sys
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer

from deploy.kafka.topics import create_topics
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.process import Child, Command, free_port
from shared.events import decode
from tests.chaos.run import Result, report
from tests.conftest import dsn_for, prepare
from tests.integration.intake.smtp import Talk, guarded

CONNECTIONS = 8
_SETTLED_SECONDS = 90.0
_MAILBOXES = ("suporte@desk.example", "fiscal@desk.example", "comercial@desk.example")


@dataclass
class Letter:
    """A mail and what its sender was told. One that is not patient is given up after one attempt."""

    n: int
    raw: bytes
    to: tuple[str, ...]
    patient: bool
    taken: bool = False
    attempts: int = 0

    @property
    def sha256(self) -> bytes:
        """Return what the bytes are known by."""
        return hashlib.sha256(self.raw).digest()


def letters(chance: random.Random, count: int) -> list[Letter]:
    """Return mails: one in three without Message-ID, to one to three mailboxes, one in ten of an impatient sender."""
    made = []
    for n in range(count):
        known = b"Message-ID: <m%d@cliente.example>\r\n" % n if chance.random() < 0.67 else b""
        head = b"From: ana%d@cliente.example\r\n%sSubject: Nota %d parada\r\n" % (n, known, n)
        body = b"A nota %d parou.\r\n.\r\n" % n + b"Detalhe.\r\n" * chance.randrange(300)
        to = tuple(chance.sample(_MAILBOXES, chance.choice((1, 1, 2, 3))))
        made.append(Letter(n, head + b"\r\n" + body, to, chance.random() >= 0.1))
    return made


@dataclass
class Senders:
    """Mail servers with a queue; each connection takes the next mail and keeps it until it got 250."""

    port: int
    waiting: list[Letter]
    done: int = 0
    _talks: list[Talk] = field(default_factory=list)

    async def run(self) -> None:
        """Return when every patient mail was taken."""
        await asyncio.gather(*(self._send_all() for _ in range(CONNECTIONS)))

    async def _send_all(self) -> None:
        talk: Talk | None = None
        while self.waiting:
            letter = self.waiting.pop()
            while not letter.taken:
                letter.attempts += 1
                try:
                    talk = talk or await self._connected()
                    letter.taken = await self._deliver(talk, letter)
                except (OSError, TimeoutError, EOFError):
                    if talk is not None:
                        talk.writer.close()
                    talk = None
                if not letter.taken and not letter.patient:
                    break
                if not letter.taken:
                    await asyncio.sleep(0.25)
            self.done += 1
        if talk is not None:
            talk.writer.close()

    async def _connected(self) -> Talk:
        talk = Talk(*await asyncio.open_connection("127.0.0.1", self.port))
        await _expect(await talk.answer(), "220")
        await _expect((await talk.say(b"EHLO mx"))[0], "250")
        return talk

    async def _deliver(self, talk: Talk, letter: Letter) -> bool:
        """Return whether 250 was said."""
        to = [f"RCPT TO:<{one}>".encode() for one in letter.to]
        for line in (b"MAIL FROM:<ana@cliente.example>", *to, b"DATA"):
            await _expect((await talk.say(line))[0], "354" if line == b"DATA" else "250")
        talk.writer.write(guarded(letter.raw))
        answer = await talk.answer()
        if not answer:
            raise EOFError
        return answer[:3] == "250"


async def _expect(answer: str, code: str) -> None:
    if answer[:3] != code:
        raise EOFError(answer)


@dataclass(frozen=True)
class Place:
    """Where a run happens."""

    kafka: str
    topics: str
    postgres: str
    database: str
    folder: Path

    def intake(self, port: int) -> Command:
        """Return what starts the service."""
        environment = {
            "PRAZO_KAFKA": self.kafka,
            "PRAZO_DATABASE_URL": dsn_for(self.postgres, "intake_app", self.database),
            "PRAZO_HTTP_PORT": str(free_port()),
            "PRAZO_SMTP_PORT": str(port),
            "PRAZO_TOPIC_PREFIX": self.topics,
        }
        return Command([sys.executable, "-m", "services.intake"], self.folder / "intake.log", environment)


async def deliveries(place: Place, mails: int, kills: int, seed: int) -> Result:
    """Deliver all mails through the kills, wait until all is read, and check."""
    chance = random.Random(seed)
    sent = letters(chance, mails)
    port = free_port()
    senders, command = Senders(port, sent[::-1]), place.intake(port)
    child = await Child.start(command)
    sending = asyncio.create_task(senders.run())
    try:
        for kill in range(kills):
            until = (kill + 1) * mails // (kills + 1)
            while senders.done < until and not sending.done():
                await asyncio.sleep(0.002)
            await asyncio.sleep(chance.uniform(0, 0.05))
            await child.kill()
            child = await Child.start(command)
        await sending
        rows = await _read(place)
        events = await _opened(place, {row["ticket_id"] for row in rows})
    finally:
        sending.cancel()
        await child.stop()
    counts = {"mails": mails, "kills": kills, "attempts": sum(letter.attempts for letter in sent)}
    counts |= {"taken": sum(letter.taken for letter in sent), "copies": len(rows), "records": len(events)}
    return Result(counts | {"tickets": len({row["ticket_id"] for row in rows})}, faults(sent, rows, events))


async def _read(place: Place) -> Sequence[Any]:
    """Return the stored messages, once nothing of them is left to decide."""
    connection = await asyncpg.connect(dsn_for(place.postgres, "intake_app", place.database))
    await connection.execute("SET search_path TO intake")
    end = asyncio.get_running_loop().time() + _SETTLED_SECONDS
    try:
        while asyncio.get_running_loop().time() < end:
            if not await connection.fetchval("SELECT count(*) FROM message WHERE ticket_id IS NULL"):
                break
            await asyncio.sleep(0.2)
        return await connection.fetch("SELECT mailbox, sha256, ticket_id, became FROM message ORDER BY id")
    finally:
        await connection.close()


async def _opened(place: Place, tickets: set[str]) -> Sequence[Any]:
    """Return every ``ticket.opened`` of the topic, once each ticket has one."""
    consumer = AIOKafkaConsumer(
        f"{place.topics}tickets.v1", bootstrap_servers=place.kafka, auto_offset_reset="earliest"
    )
    await consumer.start()
    found: list[Any] = []
    end = asyncio.get_running_loop().time() + 30
    try:
        while {event.subject for event in found} != tickets and asyncio.get_running_loop().time() < end:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += [decode(record.value) for record in records]
    finally:
        with suppress(TimeoutError):
            await asyncio.wait_for(consumer.stop(), 10)
    return [event for event in found if event.type == "ticket.opened"]


def faults(sent: Sequence[Letter], rows: Sequence[Any], events: Sequence[Any]) -> list[str]:
    """Return what was lost, doubled or mixed up, in words."""
    copies, wrong = defaultdict(list), list[str]()
    for row in rows:
        copies[row["sha256"]].append(row)
    ids = defaultdict(set)
    for event in events:
        ids[event.subject].add(event.id)
    of_ticket: dict[str, int] = {}
    for letter in sent:
        found = copies.pop(letter.sha256, [])
        boxes = sorted(row["mailbox"] for row in found)
        if boxes != sorted(letter.to) and (letter.taken or boxes):
            wrong.append(f"mail {letter.n}, taken {letter.taken}: copies for {boxes}, not {sorted(letter.to)}")
        tickets = {row["ticket_id"] for row in found}
        if len(tickets) > 1 or None in tickets:
            wrong.append(f"mail {letter.n}: tickets {tickets}")
        for ticket in tickets:
            if ticket in of_ticket:
                wrong.append(f"mail {letter.n}: the ticket of mail {of_ticket[ticket]}")
            of_ticket[ticket] = letter.n
            if len(ids[ticket]) != 1:
                wrong.append(f"mail {letter.n}: opened by {len(ids[ticket])} events")
    wrong += [f"stored and never sent: {len(found)} copies" for found in copies.values()]
    wrong += [f"a ticket of no mail: {ticket}" for ticket in ids.keys() - of_ticket.keys()]
    return wrong


async def _alone(folder: Path, mails: int, kills: int, seed: int) -> Result:
    """Run on servers of its own."""
    kafka = await Kafka.start(folder / "kafka", log=folder / "kafka.log", report=lambda _: None)
    postgres = await Postgres.start(folder / "postgres", log=folder / "postgres.log")
    try:
        await prepare(postgres.admin_dsn)
        await create_topics(kafka.bootstrap, "d.", partitions=3)
        return await deliveries(Place(kafka.bootstrap, "d.", postgres.admin_dsn, "prazo", folder), mails, kills, seed)
    finally:
        await asyncio.gather(kafka.stop(), postgres.stop())


def main() -> int:
    """Run once; return 1 when there was a fault."""
    parser = argparse.ArgumentParser(prog="deliveries", description=__doc__)
    parser.add_argument("--mails", type=int, default=2000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    arguments = parser.parse_args()
    print(f"deliveries: seed {arguments.seed}, {arguments.mails} mails, {arguments.kills} kills", flush=True)
    return report(
        "deliveries", lambda folder: _alone(folder, arguments.mails, arguments.kills, arguments.seed), arguments.seed
    )


if __name__ == "__main__":
    sys.exit(main())
