"""The desk pages over a fresh database, and a browser without scripts: it follows redirects and keeps cookies."""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from html import unescape
from pathlib import Path
from typing import Any

import httpx
import orjson
from argon2 import PasswordHasher
from starlette.applications import Starlette

from services.intake.domain.agents import Agent, Agents
from services.intake.domain.phone import Phone, Suggested
from services.intake.domain.window import Window
from services.intake.handlers.call_tickets import CallDesk
from services.intake.handlers.desk import Desk
from services.intake.handlers.follow import follow_clocks, follow_tickets
from services.intake.pages import routes
from services.intake.pages.access import Gate, Proxy
from services.intake.pages.office import Office
from services.intake.store.mail import Received, store_message
from shared.catalog import load_directory
from shared.clients import Client, Clients
from shared.clock import now
from shared.kafka import Record
from tests.reading import NOTHING_KNOWN, read

PASSWORD = "a password of a test"
HASH = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)
AGENTS = Agents(
    agents={
        "ana": Agent(name="Ana <b>Souza</b>", password=HASH),
        "bruno": Agent(name="Bruno", password=HASH, language="en"),
        "caio": Agent(name="Caio"),
    }
)
CLIENTS = Clients(clients=(Client(id="acme", name="Acme & Filhos", modality="saas", database="postgresql"),))
NO_PROXY = Proxy()
SUMMARY = {"title": "t", "service": "s", "priority": "p", "emergency": False, "channel": "email", "assignee": None}


def office(pool: Any, agents: Agents = AGENTS) -> Office:
    """Return an office with the shipped catalog."""
    known = NOTHING_KNOWN._replace(agents=agents, clients=CLIENTS)
    desk = Desk(pool, "tickets.v1", "notices.v1", known, read)
    catalogs = load_directory(Path("deploy/config/catalog"))
    calls = CallDesk(desk, Phone(ddd="62"), agents, Suggested(CLIENTS), Window(catalogs))
    return Office(desk, calls, catalogs)


def app(pool: Any, agents: Agents = AGENTS, proxy: Proxy = NO_PROXY) -> Starlette:
    """Return the pages as an application."""
    return Starlette(routes=list(routes(Gate.of(pool, agents, proxy), office(pool, agents))))


def browser(made: Starlette, peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
    """Return somebody's browser."""
    transport = httpx.ASGITransport(made, client=(peer, 1))
    return httpx.AsyncClient(transport=transport, base_url="http://t", follow_redirects=True, headers=headers)


async def log_in(client: httpx.AsyncClient, user: str = "ana", password: str = PASSWORD) -> httpx.Response:
    """Fill in the log-in page."""
    return await client.post("/desk/login", data={"user": user, "password": password, "next": "/desk"})


def hidden(page: httpx.Response, act: str = "") -> dict[str, str]:
    """Return the hidden fields of the form of a page that does ``act`` (of the last form, without one)."""
    forms = re.findall(r'<form method="post".*?</form>', page.text, re.S)
    form = next(f for f in reversed(forms) if not act or f'name="act" value="{act}"' in f)
    pairs = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: unescape(value) for name, value in pairs}


async def press(client: httpx.AsyncClient, ticket: str, act: str, **fields: str) -> httpx.Response:
    """Open a ticket's page and press a button there."""
    page = await client.get(f"/desk/tickets/{ticket}")
    return await client.post(f"/desk/tickets/{ticket}", data={**hidden(page, act), **fields})


async def published(pool: Any) -> list[tuple[str, dict[str, Any]]]:
    """Return type and data of the events that wait to be published, in order."""
    events = [orjson.loads(row["body"]) for row in await pool.fetch("SELECT body FROM outbox ORDER BY id")]
    return [(event["type"], event["data"]) for event in events]


def event(type_: str, ticket: str, minutes: int = -60, **data: Any) -> Record:
    """Return a record of a ticket event some minutes from now."""
    if type_ == "opened":
        data = {"service": "nfe-emission", "channel": "email", "title": "NF-e parada", **data}
    head = {"specversion": "1.0", "id": f"{type_}-{minutes}", "source": "crm", "type": f"ticket.{type_}"}
    body = {**head, "subject": ticket, "time": at(minutes).isoformat(), "data": {"ticket_id": ticket, **data}}
    return Record("tickets.v1", 0, 0, now(), b"k", orjson.dumps(body), ())


def at(minutes: int) -> datetime:
    """Return an instant some minutes from now."""
    return now() + timedelta(minutes=minutes)


def clock_event(kind: str, ticket: str, metric: str, sequence: int, due: int | None, **data: Any) -> Record:
    """Return a record of a clock event whose deadline is ``due`` minutes from now."""
    common = {"ticket_id": ticket, "client_id": None, "metric": metric, "cycle": 1, "sequence": sequence}
    instants = {"due_at": None if due is None else at(due).isoformat()}
    instants |= dict.fromkeys(("occurred_at", "detected_at"), at(0).isoformat())
    more = {"counts_from": at(-60).isoformat(), "calendar": "c"} if kind == "started" else {}
    whole = {
        **common,
        **instants,
        **more,
        "detected_late": False,
        "target_seconds": 3600,
        "elapsed_seconds": 0,
        "remaining_seconds": 5400,
        "plan": dict.fromkeys(("catalog", "calendar", "tzdata", "engine"), "x"),
        "ticket": {**SUMMARY, "coverage": "unknown", "chargeable": "no", "opened_at": datetime(2026, 1, 1, tzinfo=UTC)},
        **data,
    }
    head = {"specversion": "1.0", "id": f"{kind}-{sequence}-{metric}", "source": "t", "type": f"sla.{kind}"}
    body = {**head, "subject": ticket, "time": at(0).isoformat(), "data": whole}
    return Record("sla.v1", 0, 0, now(), b"k", orjson.dumps(body), ())


async def hear(pool: Any, *records: Record) -> None:
    """Let the desk hear events of both topics."""
    desk = office(pool).desk
    await follow_tickets(desk, [record for record in records if record.topic == "tickets.v1"])
    await follow_clocks(desk, [record for record in records if record.topic == "sla.v1"])


async def store(pool: Any, raw: bytes, *, name: str = "<m@x>", envelope_from: str = "c@cliente.example") -> None:
    """Store one mail as the SMTP server would."""
    received = Received("suporte@desk.example", name, raw, hashlib.sha256(raw).digest(), now(), "", envelope_from)
    async with pool.acquire() as connection, connection.transaction():
        await store_message(connection, received)
