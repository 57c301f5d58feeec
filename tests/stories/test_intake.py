"""intake as a mail server sees it: 250 means that a ticket will be opened, exactly one, whatever is killed."""

import asyncio
import random
import sys
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import aiosmtplib
import asyncpg
import pytest
from aiokafka import AIOKafkaConsumer

from deploy.local.process import Child, Command, free_port
from shared.events import decode
from tests.conftest import dsn_for

pytestmark = pytest.mark.timeout(180)


def mail(n: int) -> EmailMessage:
    """Return a mail with a Message-ID of its own."""
    message = EmailMessage()
    message["From"], message["To"] = "Ana <ana@cliente.example>", "suporte@desk.example"
    message["Subject"], message["Message-ID"] = f"Rejeição {n}", f"<m{n}@cliente.example>"
    message.set_content("Não consigo emitir a nota.")
    return message


async def deliver(port: int, message: EmailMessage) -> None:
    """Deliver like a mail server: try again until it got 250."""
    for _ in range(200):
        with suppress(aiosmtplib.SMTPException, OSError):
            await aiosmtplib.send(message, hostname="127.0.0.1", port=port, timeout=10, start_tls=False)
            return
        await asyncio.sleep(0.1)
    raise AssertionError("the mail was never taken")


async def test_mails_become_one_ticket_each_through_kills_and_no_address_reaches_the_topic(
    kafka: str, topics: str, postgres: str, database: str, tmp_path: Path
) -> None:
    port, seeded = free_port(), random.Random(3)
    environment = {
        "PRAZO_KAFKA": kafka,
        "PRAZO_DATABASE_URL": dsn_for(postgres, "intake_app", database),
        "PRAZO_HTTP_PORT": str(free_port()),
        "PRAZO_SMTP_PORT": str(port),
        "PRAZO_TOPIC_PREFIX": topics,
    }
    command = Command([sys.executable, "-m", "services.intake"], tmp_path / "intake.log", environment)
    child = await Child.start(command)

    async def send_all() -> None:
        for n in range(100):
            await deliver(port, mail(n))

    sending = asyncio.create_task(send_all())
    for _ in range(5):
        await asyncio.sleep(seeded.uniform(0.8, 1.6))
        await child.kill()
        child = await Child.start(command)
    await sending
    consumer = AIOKafkaConsumer(f"{topics}tickets.v1", bootstrap_servers=kafka, auto_offset_reset="earliest")
    await consumer.start()
    values: list[bytes] = []
    try:
        until = asyncio.get_running_loop().time() + 30
        while len({decode(v).id for v in values}) < 100 and asyncio.get_running_loop().time() < until:
            for records in (await consumer.getmany(timeout_ms=200)).values():
                values += [record.value for record in records]
    finally:
        await consumer.stop()
        await child.stop()
    events = {event.id: event for event in map(decode, values)}
    assert sorted(event.data.title for event in events.values()) == sorted(f"Rejeição {n}" for n in range(100))
    assert len({event.subject for event in events.values()}) == 100
    assert b"ana@" not in b"".join(values) + (tmp_path / "intake.log").read_bytes()
    connection = await asyncpg.connect(dsn_for(postgres, "intake_app", database))
    try:
        assert (
            await connection.fetchval("SELECT count(*) FROM intake.message WHERE raw LIKE '%Message-ID%'::bytea") == 100
        )
    finally:
        await connection.close()
