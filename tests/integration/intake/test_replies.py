"""Automatic answers from a real PostgreSQL to a real SMTP server: who gets one, when, and what it says."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from deploy.local.process import free_port
from services.intake.domain.contact import Contact, Known, understand
from services.intake.domain.identity import AutoReply, Identity
from services.intake.domain.routing import Article, Routing, Rule, When
from services.intake.domain.threads import ticket_of
from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.sender import ReplySender
from services.intake.store.mail import Received, store_message
from shared.catalog import load_directory
from shared.clients import Clients
from shared.mail import MailServer

AT = datetime(2026, 3, 5, 23, tzinfo=UTC)  # 20:00 in Brasília: the desk is closed
KEY = b"k" * 32
SETTINGS = AutoReply(
    sender="suporte@desk.example",
    name="Suporte Ação",
    emergency_phone="(62) 3086-5750",
    registration="https://desk.example/cadastro",
    remote_access="https://desk.example/acesso",
    a_day=3,
)
KNOWN = Known(
    routing=Routing(
        rules=(
            Rule(name="nfe", when=When(text=("nota",)), service="nfe-emission"),
            Rule(name="tax", when=When(text=("alíquota",)), service="question", scope_hint="tax_advice"),
        ),
        articles=(Article(url="https://desk.example/kb/204", codes=("204",)),),
    ),
    clients=Clients(),
    triage="triage",
    identity=Identity(addresses=("suporte@desk.example",), auto_reply=SETTINGS, flood_from=20),
    key=KEY,
)
CATALOGS = load_directory(Path("deploy/config/catalog"))


class Sink:
    """A mail server that keeps what it gets, and answers as told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str | None, list[str], EmailMessage]] = []
        self.answer = "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802  # aiosmtpd's name
        """Keep the mail unless it is refused."""
        if self.answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.taken.append((envelope.mail_from, list(envelope.rcpt_tos), message))
        return self.answer


@pytest.fixture
async def sink() -> AsyncIterator[tuple[Sink, int]]:
    """Return a mail server and its port."""
    kept, port = Sink(), free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port)
    await asyncio.to_thread(controller.start)
    yield kept, port
    await asyncio.to_thread(controller.stop)


async def read(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read with what is known here."""
    return understand(raw, KNOWN, received_at, null_sender=null_sender, mailbox=mailbox)


async def come(
    pool: Any, *lines: str, text: str = "Bom dia, a nota não sai. Rejeição 204.", age: timedelta = timedelta(0)
) -> str | None:
    """Let one mail come in and be settled; return its ticket."""
    raw = "\r\n".join([*lines, "", text]).encode()
    n = await pool.fetchval("SELECT count(*) FROM message")
    await store_message(
        pool, Received("suporte@desk.example", f"<m{n}@x>", raw, bytes([n]) * 32, AT, "", "ana@x.example")
    )
    await open_tickets(Desk(pool, "tickets.v1", "notices.v1", KNOWN, read))
    await pool.execute("UPDATE reply SET created_at = now() - $1::interval", age)
    found: str | None = await pool.fetchval("SELECT ticket_id FROM message ORDER BY id DESC LIMIT 1")
    return found


def sender(pool: Any, port: int) -> ReplySender:
    """Return the loop."""
    return ReplySender(pool, MailServer("127.0.0.1", port), SETTINGS, KEY, CATALOGS)


async def start_clock(pool: Any, ticket: str | None) -> None:
    """Let the response clock be known: it begins when the desk opens."""
    await pool.execute(
        "INSERT INTO clock (ticket_id, metric, cycle, state, counts_from, due_at, target_seconds, remaining_seconds, sequence)"
        " VALUES ($1, 'response', 1, 'running', $2, $3, 43200, 43200, 1)",
        ticket,
        datetime(2026, 3, 6, 10, tzinfo=UTC),
        datetime(2026, 3, 6, 22, tzinfo=UTC),
    )


FROM, SUBJECT, ID = "From: Ana <ana@cliente.example>", "Subject: Nota parada", "Message-ID: <first@cliente.example>"


async def test_the_answer_waits_for_the_due_date_and_says_it_once(pool: Any, sink: tuple[Sink, int]) -> None:
    ticket = await come(pool, FROM, SUBJECT, ID)
    loop = sender(pool, sink[1])
    await loop.turn()
    assert sink[0].taken == []
    await start_clock(pool, ticket)
    await loop.turn()
    await loop.turn()
    ((mail_from, to, message),) = sink[0].taken
    assert (mail_from, to) == ("<>", ["ana@cliente.example"])
    assert message["In-Reply-To"] == message["References"] == "<first@cliente.example>"
    assert message["Subject"] == f"Re: Nota parada [#{ticket}]"
    assert (message["Auto-Submitted"], message["Content-Language"]) == ("auto-replied", "pt-BR")
    assert str(message["From"]) == "Suporte Ação <suporte@desk.example>"
    assert ticket_of(KEY, [str(message["Message-ID"]).strip()]) == ticket
    plain, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    for text in (plain.get_content(), html.get_content()):
        for said in (
            ticket or "",
            "Emissão de NF-e",
            "06/03/2026 (sexta-feira), às 19:00",
            "06/03/2026 (sexta-feira), às 07:00",
            "(62) 3086-5750",
            "https://desk.example/kb/204",
            "https://desk.example/cadastro",
            "https://desk.example/acesso",
        ):
            assert said in text
        assert "tributação" not in text


async def test_without_a_due_date_it_goes_after_a_minute_in_the_language_of_the_mail(
    pool: Any, sink: tuple[Sink, int]
) -> None:
    await come(
        pool, FROM, "Subject: help", text="Hello, what is the alíquota for this and can you help us with it please"
    )
    await pool.execute("UPDATE reply SET ready_at = now()")
    await sender(pool, sink[1]).turn()
    body = sink[0].taken[0][2].get_body(("plain",))
    assert body is not None
    text = body.get_content()
    assert "We will respond within the response time of this service." in text
    assert "We do not answer tax questions" in text


SILENT = [
    ("a machine", [FROM, "Auto-Submitted: auto-generated"]),
    ("a list", [FROM, "Precedence: bulk"]),
    ("our own mailbox", ["From: suporte@desk.example"]),
    ("nobody", ["Subject: a"]),
    ("somebody who wants none", [FROM, "X-Auto-Response-Suppress: All"]),
]


@pytest.mark.parametrize("lines", [row[1] for row in SILENT], ids=[row[0] for row in SILENT])
async def test_no_answer_goes_to(pool: Any, lines: list[str]) -> None:
    assert await come(pool, *lines) is not None
    assert await pool.fetchval("SELECT count(*) FROM reply") == 0


async def test_a_thread_gets_one_answer_and_a_contact_three_a_day(pool: Any) -> None:
    await come(pool, FROM, SUBJECT, ID)
    await come(pool, FROM, "In-Reply-To: <m0@x>", text="e então?")
    assert await pool.fetchval("SELECT count(*) FROM reply") == 1
    for n in range(5):
        await come(pool, FROM, f"Subject: {n}")
    assert await pool.fetchval("SELECT count(*) FROM reply") == 3


OUTCOMES = [("451 later", "waiting", "smtp_451"), ("550 no", "failed", "smtp_550")]


@pytest.mark.parametrize(("answer", "state", "reason"), OUTCOMES)
async def test_a_refusal_for_now_is_tried_again_and_one_for_good_is_not(
    pool: Any, sink: tuple[Sink, int], answer: str, state: str, reason: str
) -> None:
    await start_clock(pool, await come(pool, FROM, SUBJECT))
    sink[0].answer = answer
    await sender(pool, sink[1]).turn()
    row = await pool.fetchrow("SELECT state, reason, next_at > now() AS later FROM reply")
    assert tuple(row) == (state, reason, True)
    sink[0].answer = "250 OK"
    await pool.execute("UPDATE reply SET next_at = now()")
    await sender(pool, sink[1]).turn()
    assert len(sink[0].taken) == (state == "waiting")


async def test_a_cancelled_ticket_is_not_answered_any_more(pool: Any, sink: tuple[Sink, int]) -> None:
    ticket = await come(pool, FROM, SUBJECT)
    await start_clock(pool, ticket)
    await pool.execute("UPDATE ticket SET state = 'cancelled' WHERE ticket_id = $1", ticket)
    await sender(pool, sink[1]).turn()
    assert sink[0].taken == []
    assert await pool.fetchval("SELECT state FROM reply") == "suppressed"


@pytest.mark.parametrize(("days", "sent"), [(2, 1), (4, 0)])
async def test_a_mail_that_was_found_days_later_is_answered_and_a_very_old_one_is_not(
    pool: Any, sink: tuple[Sink, int], days: int, sent: int
) -> None:
    await start_clock(pool, await come(pool, FROM, SUBJECT, age=timedelta(days=days)))
    await sender(pool, sink[1]).turn()
    assert len(sink[0].taken) == sent
    assert await pool.fetchval("SELECT state FROM reply") == ("sent" if sent else "suppressed")


async def test_an_answer_that_was_given_up_in_the_act_is_sent_again_with_the_same_message_id(
    pool: Any, sink: tuple[Sink, int]
) -> None:
    await start_clock(pool, await come(pool, FROM, SUBJECT))
    await sender(pool, sink[1]).turn()
    await pool.execute("UPDATE reply SET state = 'waiting', next_at = now() - $1::interval", timedelta(seconds=1))
    await sender(pool, sink[1]).turn()
    first, second = (message["Message-ID"] for _, _, message in sink[0].taken)
    assert first == second
