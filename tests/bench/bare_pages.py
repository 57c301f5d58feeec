"""``python -m tests.bench.bare_pages BOOTSTRAP TOPIC SMTP_PORT``: what one would otherwise write. A record becomes a mail by
aiosmtplib, 20 side by side; nothing is stored, nothing is repeated."""

import asyncio
import sys
from email.message import EmailMessage

import aiosmtplib
import orjson
import uvloop
from aiokafka import AIOKafkaConsumer

from shared.service import settle_memory

_AT_ONCE = 20


async def main(bootstrap: str, topic: str, port: int) -> None:
    """Send for ever."""
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, group_id="bare", auto_offset_reset="earliest")
    await consumer.start()
    places = asyncio.Semaphore(_AT_ONCE)
    flying = set[asyncio.Task[None]]()
    settle_memory()

    async def send(body: bytes) -> None:
        event = orjson.loads(body)
        mail = EmailMessage()
        mail["From"], mail["To"] = "bare@localhost", f"{event['data']['ticket']['assignee']}@oncall.example"
        mail["Subject"], mail["Prazo-Ticket"] = f"[SLA] #{event['subject']}", event["subject"]
        mail["Message-ID"] = f"<{event['id']}@bare>"
        mail.set_content(f"{event['subject']} {event['data']['due_at']}\n")
        try:
            await aiosmtplib.send(mail, hostname="127.0.0.1", port=port, start_tls=False, timeout=15)
        finally:
            places.release()

    while True:
        for records in (await consumer.getmany(timeout_ms=200)).values():
            for record in records:
                await places.acquire()
                task = asyncio.create_task(send(record.value))
                flying.add(task)
                task.add_done_callback(flying.discard)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
