"""What policy rules 4 and 13 put on a ticket and into a metric, with a real PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
from prometheus_client import REGISTRY

from services.intake.configuration import remote_access_of
from services.intake.domain.contact import Contact, Known, understand
from services.intake.domain.identity import Identity
from services.intake.domain.routing import Routing, Rule, When
from services.intake.handlers.call_tickets import CallDesk
from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.store.mail import Received, store_message
from shared.catalog import load_directory
from shared.clients import Client, Clients
from tests.integration.intake.phone import Line, call_desk

AT = datetime(2026, 3, 6, 1, tzinfo=UTC)  # Thursday, 22:00 in Brasília: the emergency line answers
CATALOGS = load_directory(Path("deploy/config/catalog"))
KNOWN = Known(
    Routing(
        rules=(
            Rule(name="fault", when=When(text=("trava",)), service="software-fault"),
            Rule(name="question", when=When(text=("dúvida",)), service="question"),
        )
    ),
    Clients(
        clients=(Client(id="acme", name="Acme", modality="saas", database="postgresql", domains=("acme.example",)),)
    ),
    "triage",
    identity=Identity(flood_from=2),
)


async def read(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read with what is known here."""
    return understand(raw, KNOWN, received_at, null_sender=null_sender, mailbox=mailbox)


def desk(pool: Any) -> Desk:
    """Return the desk with the shipped catalog."""
    return Desk(pool, "tickets.v1", "notices.v1", KNOWN, read, remote_access_of(CATALOGS))


async def come(pool: Any, sender: str, text: str) -> Any:
    """Let one mail come in; return what its ticket says."""
    n = await pool.fetchval("SELECT count(*) FROM message")
    raw = f"From: {sender}\r\nSubject: {text}\r\nMessage-ID: <m{n}@x>\r\n\r\n{text}".encode()
    await store_message(pool, Received("suporte@desk.example", f"<m{n}@x>", raw, bytes([n]) * 32, AT, "", sender))
    await open_tickets(desk(pool))
    return orjson.loads(await pool.fetchval("SELECT body FROM outbox ORDER BY id DESC LIMIT 1"))["data"]


async def test_a_ticket_says_that_its_service_needs_a_remote_session_and_nothing_where_it_does_not(pool: Any) -> None:
    assert (await come(pool, "ana@acme.example", "o sistema trava"))["remote_access"] is True
    assert "remote_access" not in await come(pool, "ana@acme.example", "uma dúvida")


async def test_so_does_that_of_a_call_and_calls_are_grouped_from_the_configured_number_on(pool: Any) -> None:
    calls = call_desk(pool)
    line = Line(pool, CallDesk(desk(pool), calls.phone, calls.agents, calls.suggested, calls.window))
    await line.miss("1", AT)
    ((_, data),) = await line.events()
    assert (data["service"], data["remote_access"]) == ("emergency-line", True)
    await line.miss("2", AT.replace(minute=45))
    floods = [row["flood_of"] for row in await pool.fetch("SELECT flood_of FROM ticket ORDER BY ticket_id")]
    assert floods == [None, data["ticket_id"]]


async def test_registered_and_unregistered_contacts_are_counted(pool: Any) -> None:
    before = contacts()
    assert (await come(pool, "ana@acme.example", "uma dúvida"))["contact_registered"] is True
    for sender in ("eu@elsewhere.example", "tu@elsewhere.example"):
        assert (await come(pool, sender, f"uma dúvida de {sender}"))["contact_registered"] is False
    assert contacts() == (before[0] + 1, before[1] + 2)


def contacts() -> tuple[float, float]:
    """Return the counter of registered contacts and that of others."""
    yes, no = (
        REGISTRY.get_sample_value("prazo_intake_contacts_total", {"registered": word}) or 0.0 for word in ("yes", "no")
    )
    return yes, no
