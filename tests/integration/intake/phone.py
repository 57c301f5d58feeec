"""A desk with a telephone for tests: calls are heard and decided of at given instants."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from services.intake.domain.agents import Agent, Agents
from services.intake.domain.calls import CallEvent, CallId, Heard, Kind
from services.intake.domain.phone import Phone, Suggested
from services.intake.domain.window import Window
from services.intake.handlers.call_tickets import CallDesk
from services.intake.handlers.calls import decide_calls
from services.intake.handlers.desk import Desk
from services.intake.store.calls import hear
from shared.catalog import load_directory
from shared.clients import Client, Clients
from tests.reading import NOTHING_KNOWN, read

NUMBER, OTHER = "62988887777", "6230865750"
CLIENTS = Clients(
    clients=(Client(id="acme", name="Acme", modality="saas", database="postgresql", phones=(NUMBER, "62933334444")),)
)


def call_desk(pool: Any, phone: Phone | None = None) -> CallDesk:
    """Return a desk that knows one client by its numbers and one agent."""
    agents = Agents(agents={"ana": Agent(name="Ana")})
    window = Window(load_directory(Path("deploy/config/catalog")))
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)
    phone = phone or Phone(extensions={"101": "ana"})
    return CallDesk(desk, phone, agents, Suggested(CLIENTS), window)


class Line:
    """One exchange: words of calls come in, and are decided of."""

    def __init__(self, pool: Any, desk: CallDesk | None = None) -> None:
        self.pool, self.desk = pool, desk or call_desk(pool)

    async def say(self, call_id: str, kind: Kind, at: datetime, **said: str) -> None:
        """Hear a word the moment it happens."""
        word = Heard(CallId("matriz", call_id), CallEvent(kind, at, at, **said))
        async with self.pool.acquire() as connection, connection.transaction():
            await hear(connection, [word])

    async def miss(self, call_id: str, at: datetime, number: str = NUMBER, **said: str) -> None:
        """Let a call be missed, and decide."""
        await self.say(call_id, "started", at, number=number, **said)
        await self.say(call_id, "ended", at + timedelta(seconds=40))
        await self.decide(at + timedelta(seconds=46))

    async def take(self, call_id: str, at: datetime, number: str = NUMBER, **said: str) -> None:
        """Let a call be answered after ten seconds, and decide."""
        await self.say(call_id, "started", at, number=number, **said)
        await self.say(call_id, "answered", at + timedelta(seconds=10), agent="101")
        await self.decide(at + timedelta(seconds=11))

    async def decide(self, now: datetime) -> None:
        """Decide of what is due."""
        await decide_calls(self.desk, now)

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return type and data of the events that were recorded, in order; bodies without numbers."""
        rows = await self.pool.fetch("SELECT body FROM outbox ORDER BY id")
        assert not any(digits in row["body"] for row in rows for digits in (b"988887777", b"30865750"))
        return [(e["type"], e["data"]) for e in (orjson.loads(row["body"]) for row in rows)]

    async def types(self) -> list[str]:
        """Return the types of the events that were recorded."""
        return [name for name, _ in await self.events()]

    async def decisions(self) -> list[str | None]:
        """Return what became of the calls, by id."""
        return [row["decision"] for row in await self.pool.fetch("SELECT decision FROM call ORDER BY call_id")]
