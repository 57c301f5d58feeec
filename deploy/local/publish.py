"""Publishes one CloudEvent to ``tickets.v1``: ``python -m deploy.local.publish BOOTSTRAP JSON``; the key is its subject."""

import asyncio
import sys

from aiokafka import AIOKafkaProducer

from shared.events import Undecodable, decode


async def publish(bootstrap: str, body: bytes) -> str:
    """Publish a valid event and return where it stands; raises ``Undecodable`` that names the field otherwise."""
    event = decode(body)
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", enable_idempotence=True)
    await producer.start()
    try:
        done = await producer.send_and_wait("tickets.v1", body, key=event.subject.encode())
    finally:
        await producer.stop()
    return f"{done.topic}, partition {done.partition}, offset {done.offset}"


if __name__ == "__main__":
    try:
        print(asyncio.run(publish(sys.argv[1], sys.argv[2].encode())))
    except Undecodable as wrong:
        sys.exit(f"not published: {wrong}")
