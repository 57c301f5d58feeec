"""A notifier on a real PostgreSQL whose channels answer as scripted: for tests of the delivery core."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import orjson

from services.notifier.composing import Composer
from services.notifier.domain.message import Outcome, Outgoing, Result
from services.notifier.domain.oncall import OnCall
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.ingest import ingest
from services.notifier.handlers.moving import be_impatient
from services.notifier.handlers.opening import open_due
from services.notifier.handlers.taking import acknowledge
from services.notifier.lanes import Lane
from shared import clock
from shared.events import Event, decode_json, encode
from shared.kafka import Record

KEY = b"k" * 32
ACCEPTED = Result(Outcome.ACCEPTED)
ONCALL: dict[str, Any] = {
    "channels": {
        "mail": {"kind": "email"},
        "hook": {"kind": "webhook", "url": "https://hook.example/x", "key_file": "hook_key"},
        "pager": {"kind": "pagerduty", "routing_key_file": "pager_key"},
    },
    "people": {
        "ana": {"name": "Ana", "methods": [{"by": "mail", "to": "ana@x.example"}]},
        "bob": {"name": "Bob", "language": "en", "methods": [{"by": "mail", "to": "bob@x.example"}]},
        "eva": {"name": "Eva", "methods": [{"by": "mail", "to": "eva@x.example"}]},
    },
    "teams": {"primary": ["ana"], "secondary": ["bob"]},
    "policies": {
        "standard": {
            "steps": [
                {"on": "warning 80%", "to": "primary"},
                {"on": "breached", "to": "primary"},
                {"on": "breached", "after": "10m", "to": "secondary"},
            ],
            "repeat_every": "5m",
            "repeats": 1,
        }
    },
    "choose": [{"policy": "standard"}],
    "manager": ["eva"],
}


def sla(kind: str, **more: Any) -> Event[Any]:
    """Return a clock event of the response clock of ticket 4821."""
    at = "2026-03-05T17:05:00Z"
    ticket = {"title": "t", "service": "nfe", "priority": "high", "emergency": False, "channel": "email"}
    ticket |= {"assignee": None, "coverage": "covered", "chargeable": "no", "opened_at": at} | more.pop("ticket", {})
    data = {"ticket_id": "4821", "client_id": "Acme", "metric": "response", "cycle": 1, "sequence": 1, "due_at": at}
    data |= {"target_seconds": 60, "elapsed_seconds": 60, "remaining_seconds": 0, "occurred_at": at, "detected_at": at}
    plan = {"catalog": "c", "calendar": "b", "tzdata": "x", "engine": "1"}
    data |= {"detected_late": False, "plan": plan, "ticket": ticket}
    head = {"specversion": "1.0", "id": "1", "source": "s", "type": f"sla.{kind}", "time": at}
    subject = more.pop("subject", "4821")
    return decode_json({**head, "subject": subject, "data": {**data, "ticket_id": subject, **more}})


class Scripted:
    """A channel that answers as scripted, strictly in order, and keeps what it was given; then it accepts."""

    def __init__(self, *results: Result) -> None:
        self.results = list(results)
        self.sent: list[Outgoing] = []

    async def send(self, message: Outgoing) -> Result:
        """Take one message."""
        self.sent.append(message)
        return self.results.pop(0) if self.results else ACCEPTED


@dataclass
class Line:
    """One replica: ``channels`` by name; ``turn`` opens what is due and sends it."""

    duty: Duty
    channels: dict[str, Any]
    lanes: dict[str, Lane] = field(default_factory=dict)

    @classmethod
    def of(cls, pool: Any, oncall: dict[str, Any] = ONCALL, **channels: Any) -> "Line":
        """Return a line; a channel that is not given accepts everything."""
        duty = Duty(pool, OnCall.model_validate(oncall), "notices.v1")
        made = cls(duty, {name: channels.get(name, Scripted()) for name in duty.oncall.channels})
        composer = Composer(duty, KEY, "http://x")
        for name, config in duty.oncall.channels.items():
            made.lanes[name] = Lane(
                duty, name, made.channels, composer, at_once=config.at_once, per_minute=config.per_minute
            )
        return made

    async def hear(self, *events: Event[Any]) -> None:
        """Take in clock events as one batch."""
        records = [Record("sla.v1", 0, i, clock.now(), e.subject.encode(), encode(e), ()) for i, e in enumerate(events)]
        assert list(await ingest(self.duty, records)) == []

    async def turn(self) -> None:
        """Open the steps that are due and send what is due, until nothing more is."""
        for _ in range(20):
            more = await open_due(self.duty)
            for lane in self.lanes.values():
                more = await lane.turn() or bool(lane._flying) or more
                await lane.__aexit__()
            if not more:
                return
        raise AssertionError("there is always more")

    async def impatience(self, *dead: str) -> None:
        """Move on from what waits too long."""
        await be_impatient(self.duty, dead)

    async def take(self, person: str = "ana", promise: timedelta | None = None) -> int:
        """Let a person take what the last notice to them told; return how many alerts they have now."""
        row = await self.duty.pool.fetchrow(
            "SELECT notice_id, page_no FROM notice WHERE person = $1 ORDER BY notice_no DESC LIMIT 1", person
        )
        assert row is not None
        return await acknowledge(self.duty, str(row["notice_id"]), row["page_no"], person, "mail", promise)

    @property
    def sent(self) -> list[tuple[str, str, str]]:
        """Return (channel, to, word) of everything that was sent, by channel."""
        return [(name, m.to, m.word.value) for name, channel in self.channels.items() for m in channel.sent]

    async def notices(self) -> list[dict[str, Any]]:
        """Return the data of the events recorded, with their types, in their order."""
        rows = await self.duty.pool.fetch("SELECT body FROM outbox ORDER BY id")
        bodies = [orjson.loads(row["body"]) for row in rows]
        return [{"type": body["type"], **body["data"]} for body in bodies]

    async def told(self) -> list[str]:
        """Return the types recorded, without the plans."""
        return [n["type"].removeprefix("notice.") for n in await self.notices() if n["type"] != "notice.planned"]

    async def later(self, seconds: float) -> None:
        """Let time pass: what stands in the tables is as much older."""
        for table, columns in AGED.items():
            moved = ", ".join(f"{c} = {c} - make_interval(secs => $1::float8)" for c in columns)
            await self.duty.pool.execute(f"UPDATE {table} SET {moved}", seconds)


AGED: dict[str, Sequence[str]] = {
    "step": ("due_at", "done_at"),
    "notice": ("due_at", "next_at", "accepted_at"),
    "page": ("opened_at", "closed_at"),
    "alert": ("acknowledged_at", "promised_until"),
}
