"""What passes on the topics while the stories play, kept by subject; and what was put aside as a dead letter."""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeVar

from aiokafka import AIOKafkaConsumer, ConsumerRecord

from deploy.local.story import Missing
from shared.events import Event, Undecodable, decode

TOPICS = ("tickets.v1", "sla.v1", "notices.v1", "backups.v1")
DEAD = "tickets.v1.dlq"
T = TypeVar("T")


class DeadLetter(NamedTuple):
    """A record that was put aside: its key, why, and the rule and field that it broke."""

    key: str
    reason: str
    detail: str


class Topics:
    """Everything since the stack began."""

    def __init__(self) -> None:
        self._by_subject: dict[str, list[Event[Any]]] = defaultdict(list)
        self._openings: list[Event[Any]] = []
        self.letters: list[DeadLetter] = []

    async def follow(self, bootstrap: str) -> None:
        """Read until cancelled."""
        consumer = AIOKafkaConsumer(*TOPICS, DEAD, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
        await consumer.start()
        try:
            while True:
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    for record in records:
                        self._keep(record)
        finally:
            await consumer.stop()

    def _keep(self, record: "ConsumerRecord[Any, Any]") -> None:
        if record.topic == DEAD:
            said = {name: value.decode(errors="replace") for name, value in record.headers}
            key = (record.key or b"").decode(errors="replace")
            self.letters.append(DeadLetter(key, said.get("prazo-reason", ""), said.get("prazo-detail", "")))
            return
        try:
            event = decode(record.value)
        except Undecodable:
            return  # it was put aside by whoever reads the topic, and is among the dead letters
        self._by_subject[event.subject].append(event)
        if event.type == "ticket.opened":
            self._openings.append(event)

    @property
    def openings(self) -> Sequence[Event[Any]]:
        """Return every ``ticket.opened``, in the order in which they were read."""
        return self._openings

    def of(self, subject: str, type_: str, metric: str | None = None) -> Iterator[Event[Any]]:
        """Return the events of a ticket of one type, and of one clock."""
        return (
            event
            for event in self._by_subject.get(subject, ())
            if event.type == type_ and (metric is None or event.data.metric == metric)
        )


async def until(found: Callable[[], T | None], seconds: float, missing: str) -> T:
    """Return what ``found`` returns as soon as it is something; raises ``Missing`` that says so after ``seconds``."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        seen = found()
        if seen is not None:
            return seen
        await asyncio.sleep(0.1)
    raise Missing(f"{missing} within {seconds:.0f} s")
