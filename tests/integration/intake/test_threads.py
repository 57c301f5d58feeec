"""Mails and their tickets on a real PostgreSQL: who joins, who opens, and which events that means."""

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
import pytest

from services.intake.domain.agents import Agent, Agents
from services.intake.domain.contact import Contact, Known, understand
from services.intake.domain.identity import Identity
from services.intake.domain.message import message_id_of
from services.intake.domain.routing import Routing, Rule, When
from services.intake.domain.threads import message_id
from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.store.mail import Received, store_message
from shared.clients import Client, Clients

AT = datetime(2026, 3, 5, 11, tzinfo=UTC)
KEY = hashlib.sha256(b"key").digest()
KNOWN = Known(
    routing=Routing(rules=(Rule(name="to-fiscal", when=When(recipient=("fiscal@desk.example",)), service="question"),)),
    clients=Clients(
        clients=(Client(id="acme", name="Acme", modality="saas", database="postgresql", domains=("acme.example",)),)
    ),
    triage="triage",
    agents=Agents(agents={"bruno": Agent(name="Bruno", addresses=("bruno@desk.example",))}),
    identity=Identity(
        addresses=("suporte@desk.example",),
        authserv_ids=("mx.desk.example",),
        page_domains=("desk.example",),
        flood_from=4,
    ),
    key=KEY,
)
PASS = "Authentication-Results: mx.desk.example; dmarc=pass header.from="
_numbers = count(1)


async def read(raw: bytes, received_at: datetime, *, null_sender: bool, mailbox: str = "") -> Contact:
    """Read with what is known here."""
    return understand(raw, KNOWN, received_at, null_sender=null_sender, mailbox=mailbox)


async def come(
    pool: Any, *lines: str, after: timedelta = timedelta(0), text: str = "Segue.", mailbox: str = "suporte@desk.example"
) -> list[tuple[str, str, str | None]]:
    """Let one mail come in and be settled; return the new events: type, ticket, and reason or agent."""
    header = {line.partition(":")[0].lower() for line in lines}
    extra = [f"Message-ID: <m{next(_numbers)}@x.example>"] if "message-id" not in header else []
    raw = "\r\n".join([*lines, *extra, "", text]).encode()
    sha256 = hashlib.sha256(raw).digest()
    await store_message(pool, Received(mailbox, message_id_of(raw), raw, sha256, AT + after, "", "a@b.example"))
    before = await pool.fetchval("SELECT coalesce(max(id), 0) FROM outbox")
    await open_tickets(Desk(pool, "tickets.v1", "notices.v1", KNOWN, read))
    rows = await pool.fetch("SELECT body FROM outbox WHERE id > $1 ORDER BY id", before)
    events = [orjson.loads(row["body"]) for row in rows]
    return [(e["type"], e["subject"], e["data"].get("reason") or e["data"].get("by")) for e in events]


async def opened(pool: Any, *lines: str, **more: Any) -> str:
    """Let one mail come in that must open a ticket; return its id."""
    ((kind, ticket, _),) = await come(pool, *lines, **more)
    assert kind == "ticket.opened"
    return ticket


async def became(pool: Any) -> list[str | None]:
    """Return what the messages became, in order."""
    return [row["became"] for row in await pool.fetch("SELECT became FROM message ORDER BY id")]


FIRST = ("From: ana@acme.example", "Subject: Nota parada", "Message-ID: <first@acme.example>", PASS + "acme.example")


async def test_an_answer_to_a_stored_mail_joins_ends_the_wait_and_opens_again(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    reply = await come(pool, "From: bia@acme.example", "Subject: Re: Nota parada", "References: <first@acme.example>")
    assert reply == [("ticket.resumed", ticket, "waiting_customer"), ("ticket.reopened", ticket, None)]
    assert await became(pool) == ["opened", "reply"]


async def test_an_answer_to_our_signed_mail_joins_even_from_a_stranger(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    ours = message_id(KEY, ticket, 1, "desk.example")
    reply = await come(pool, "From: x@elsewhere.example", "Subject: oi", f"In-Reply-To: {ours}")
    assert {event[1] for event in reply} == {ticket}


async def test_a_forged_token_opens_a_ticket(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    forged = message_id(b"x" * 32, ticket, 1, "desk.example")
    assert await opened(pool, "From: x@elsewhere.example", "Subject: oi", f"In-Reply-To: {forged}") != ticket


TAGGED = [
    ("a colleague of the client", "bia@acme.example", PASS + "acme.example", True),
    ("the client's address, forged", "ana@acme.example", "X: y", False),
    ("a stranger", "eve@evil.example", PASS + "evil.example", False),
]


@pytest.mark.parametrize(("sender", "proof", "joins"), [row[1:] for row in TAGGED], ids=[row[0] for row in TAGGED])
async def test_a_tag_in_the_subject_attaches_only_who_belongs_to_the_client(
    pool: Any, sender: str, proof: str, joins: bool
) -> None:
    ticket = await opened(pool, *FIRST)
    events = await come(pool, f"From: {sender}", f"Subject: Re: nota [#{ticket}]", proof)
    assert (events[0][1] == ticket) is joins


ANSWERS = [
    (
        "authenticated and in copy",
        PASS + "desk.example",
        "To: ana@acme.example\r\nCc: suporte@desk.example",
        ["ticket.responded"],
    ),
    ("not authenticated", "X: y", "Cc: suporte@desk.example", []),
    ("without the mailbox in copy", PASS + "desk.example", "To: ana@acme.example", []),
]


@pytest.mark.parametrize(("proof", "to", "types"), [row[1:] for row in ANSWERS], ids=[row[0] for row in ANSWERS])
async def test_an_agents_answer_is_the_response_where_it_is_proved(
    pool: Any, proof: str, to: str, types: list[str]
) -> None:
    ticket = await opened(pool, *FIRST)
    lines = [proof, "From: Bruno <bruno@desk.example>", *to.split("\r\n"), "In-Reply-To: <first@acme.example>"]
    events = await come(pool, *lines)
    assert [event[0] for event in events] == types
    assert all(event[1:] == (ticket, "bruno") for event in events)


async def test_a_help_desk_answers_by_the_field_with_our_ticket(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    lines = (PASS + "desk.example", "From: bruno@desk.example", "Cc: suporte@desk.example", f"Prazo-Ticket: {ticket}")
    assert await come(pool, *lines) == [("ticket.responded", ticket, "bruno")]


async def test_machines_and_thanks_join_and_move_no_clock(pool: Any) -> None:
    await opened(pool, *FIRST)
    answer = ("From: ana@acme.example", "In-Reply-To: <first@acme.example>")
    assert await come(pool, *answer, text="Muito obrigada!") == []
    assert await come(pool, *answer, "Auto-Submitted: auto-generated") == []
    assert [e[0] for e in await come(pool, *answer, "Precedence: list")] == ["ticket.resumed", "ticket.reopened"]
    assert await became(pool) == ["opened", "reply", "machine", "reply"]


async def test_an_away_notice_is_discarded_only_when_it_answers_us(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    away = ("From: ana@acme.example", "Subject: Fora do escritório: Nota")
    assert await come(pool, *away, f"In-Reply-To: {message_id(KEY, ticket, 1, 'd.example')}") == []
    assert [e[0] for e in await come(pool, *away)] == ["ticket.opened"]
    assert [r["discarded"] for r in await pool.fetch("SELECT discarded FROM message ORDER BY id")] == [
        None,
        "away",
        None,
    ]


async def test_our_own_mail_that_comes_back_is_no_contact(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    assert (
        await come(
            pool,
            "From: suporte@desk.example",
            f"Message-ID: {message_id(KEY, ticket, 1, 'desk.example')}",
            f"In-Reply-To: {message_id(KEY, ticket, 2, 'desk.example')}",
        )
        == []
    )
    assert await became(pool) == ["opened", "own"]


async def test_one_mail_to_two_mailboxes_is_one_ticket_whatever_the_servers_added(pool: Any) -> None:
    ticket = await opened(pool, "Received: a", *FIRST)
    assert await come(pool, "Received: b", *FIRST, mailbox="fiscal@desk.example") == []
    assert await pool.fetchval("SELECT array_agg(DISTINCT ticket_id) FROM message") == [ticket]
    assert await became(pool) == ["opened", "copy"]


async def test_a_rule_sees_the_mailbox_that_no_field_names(pool: Any) -> None:
    await come(pool, "From: ana@acme.example", "To: lista@acme.example", "Subject: x", mailbox="Fiscal@desk.example")
    body = orjson.loads(await pool.fetchval("SELECT body FROM outbox"))
    assert body["data"]["routing_rule"] == "to-fiscal"


async def test_a_message_id_alone_makes_no_copy(pool: Any) -> None:
    await opened(pool, *FIRST)
    await opened(pool, *FIRST, text="Outra coisa.")


async def test_a_ticket_that_is_over_takes_no_mail(pool: Any) -> None:
    answer = ("From: ana@acme.example", "In-Reply-To: <first@acme.example>")
    ticket = await opened(pool, *FIRST)
    other = await opened(pool, "From: ana@acme.example", "Subject: b")
    await pool.execute("UPDATE ticket SET state = 'merged', merged_into = $2 WHERE ticket_id = $1", ticket, other)
    assert (await come(pool, *answer))[0][1] == other
    await pool.execute("UPDATE ticket SET state = 'cancelled' WHERE ticket_id = $1", other)
    assert (await come(pool, *answer))[0][0] == "ticket.opened"


async def test_long_after_the_resolution_an_answer_is_a_new_contact(pool: Any) -> None:
    ticket = await opened(pool, *FIRST)
    await pool.execute("UPDATE ticket SET state = 'resolved', closed_at = $2 WHERE ticket_id = $1", ticket, AT)
    answer = ("From: ana@acme.example", "In-Reply-To: <first@acme.example>")
    assert (await come(pool, *answer, after=timedelta(days=30)))[0][1] == ticket
    assert (await come(pool, *answer, after=timedelta(days=30, seconds=1)))[0][0] == "ticket.opened"


async def test_a_flood_opens_every_ticket_and_is_shown_as_one(pool: Any) -> None:
    tickets = [await opened(pool, "From: ana@acme.example", f"Subject: {n}", text=str(n)) for n in range(8)]
    rows = await pool.fetch("SELECT flood_of FROM ticket ORDER BY ticket_id")
    assert [row["flood_of"] for row in rows] == [None] * 3 + [tickets[0]] * 5


async def test_a_registered_address_belongs_to_its_client_unless_a_document_says_otherwise(pool: Any) -> None:
    await pool.execute("INSERT INTO contact (address, client_id) VALUES ('ana@gmail.com', 'acme')")
    await come(pool, "From: ana@gmail.com", "Subject: a")
    body = orjson.loads(await pool.fetchval("SELECT body FROM outbox ORDER BY id DESC LIMIT 1"))
    assert (body["data"]["client_id"], body["data"]["contact_registered"]) == ("acme", True)
    assert body["data"]["sender_verified"] is False


async def test_a_page_that_bounced_is_told_and_opens_no_ticket(pool: Any) -> None:
    notice = "0b0d9a05-5f0e-5b7e-8c4e-0d6c5b1d7a10"
    report = (
        f"--b\r\nContent-Type: message/delivery-status\r\n\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n"
        f"--b\r\nContent-Type: message/rfc822\r\n\r\nMessage-ID: <notice.{notice}@desk.example>\r\n\r\nx\r\n--b--\r\n"
    )
    kind = "Content-Type: multipart/report; boundary=b"
    assert await come(pool, "From: MAILER-DAEMON@mx.example", kind, text=report) == [("notice.bounced", notice, None)]
    assert await pool.fetchval("SELECT topic FROM outbox") == "notices.v1"
