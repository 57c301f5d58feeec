"""``intake forget``: nothing of a person is left but an opaque id; tickets stay, others lose nothing, it is recorded."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.intake.domain.calls import CallEvent, CallId, Heard
from services.intake.domain.identity import AutoReply, Identity
from services.intake.domain.phone import Phone
from services.intake.handlers.calls import decide_calls
from services.intake.handlers.desk import Desk
from services.intake.handlers.forgetting import Erased, Order, forget, person_of
from services.intake.handlers.mail import open_tickets
from services.intake.store.calls import hear
from services.intake.store.mail import Received, store_message
from tests.integration.intake.desk_app import AGENTS, app, browser, log_in
from tests.integration.intake.phone import call_desk
from tests.integration.intake.told import Tell, answer
from tests.reading import NOTHING_KNOWN, read

AT = datetime(2026, 3, 5, 12, tzinfo=UTC)
LOCAL, NUMBER = "ana.canario", "+5562987650199"
OURS = ["ana@desk.example"]


def mail(sender: str, name: str, text: str = "a nota de Ana Canário", **header: str) -> bytes:
    """Return a mail."""
    fields = {"From": sender, "Subject": "Rejeição", "Message-ID": f"<{name}>", **header}
    return "".join(f"{key}: {value}\r\n" for key, value in fields.items()).encode() + b"\r\n" + text.encode()


@pytest.fixture
def desk(pool: Any) -> Desk:
    """Return a desk that answers automatically."""
    identity = Identity(addresses=("suporte@desk.example",), auto_reply=AutoReply(sender="suporte@desk.example"))
    return Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN._replace(identity=identity, agents=AGENTS), read)


async def receive(desk: Desk, raw: bytes, envelope: str, at: datetime = AT, *, decide: bool = True) -> None:
    """Store a mail and let it be decided of."""
    name = raw.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
    received = Received("suporte@desk.example", name, raw, hashlib.sha256(raw).digest(), at, "", envelope)
    async with desk.pool.acquire() as connection:
        await store_message(connection, received)
    while decide and await desk.pool.fetchval(
        "SELECT count(*) FROM message WHERE ticket_id IS NULL AND discarded IS NULL"
    ):
        await open_tickets(desk)


async def ring(desk: Desk, call_id: str, number: str, *, decide: bool = True) -> None:
    """Let a call be missed."""
    words = [
        CallEvent("started", AT, AT, number, trunk="62"),
        CallEvent("ended", AT + timedelta(seconds=60), AT + timedelta(seconds=60), number, trunk="62"),
    ]
    async with desk.pool.acquire() as connection, connection.transaction():
        await hear(connection, [Heard(CallId("pbx", call_id), word, f"PJSIP/{number}-1") for word in words])
    if decide:
        await decide_calls(call_desk(desk.pool, Phone(ddd="62")), AT + timedelta(hours=1))


async def dump(pool: Any) -> str:
    """Return everything that intake's tables hold, as text; bytes also as what they are in Latin-1."""
    tables = await pool.fetch(
        "SELECT tablename FROM pg_tables WHERE schemaname = 'intake' AND tablename <> 'migration'"
    )
    texts = []
    for table in tables:
        for row in await pool.fetch(f"SELECT * FROM {table['tablename']}"):
            texts += [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row.values()]
    return "\n".join(texts).lower()


async def ref_of(pool: Any, table: str, column: str, value: str) -> str:
    """Return the opaque id of a contact."""
    return str(await pool.fetchval(f"SELECT contact_ref::text FROM {table} WHERE {column} = $1", value))


async def a_life(desk: Desk) -> str:
    """Let Ana write, an agent and a colleague answer her, her absence be noted, and Bia write of something else."""
    ana = f"{LOCAL}@cliente.example"
    await receive(desk, mail(f"Ana <{ana}>", "1@cliente.example"), ana)
    threaded = {"References": "<1@cliente.example>"}
    await receive(desk, mail("ana@desk.example", "a@desk.example", f"Para {ana}", **threaded), "x@desk.example")
    await receive(desk, mail("bia@outro.example", "b@outro.example", "eu também", **threaded), "bia@outro.example")
    away = {"Auto-Submitted": "auto-replied", "In-Reply-To": "<a@desk.example>"}
    await receive(desk, mail(ana, f"{LOCAL}.2@cliente.example", **away), ana)
    await receive(
        desk, mail(f"Ana <{ana}>", f"{LOCAL}.3@cliente.example", "de outro servidor"), "bounces@lista.example"
    )
    await receive(desk, mail("bia@outro.example", "c@outro.example", "o meu caso"), "bia@outro.example")
    await desk.pool.execute("UPDATE reply SET state = 'sent', settled_at = now()")
    return await ref_of(desk.pool, "contact", "address", ana)


async def test_of_a_writer_nothing_is_left_but_tickets_with_an_opaque_id(desk: Desk, tell: Tell) -> None:
    ref = await a_life(desk)
    before = await desk.pool.fetch("SELECT * FROM ticket ORDER BY 1")
    assert LOCAL in await dump(desk.pool)
    code, foreseen = await answer(tell, "forget", ref, "--dry-run")
    assert code == 0
    assert foreseen["still_waiting"] == {"mails": 0, "replies": 0, "calls": 0}
    assert LOCAL in await dump(desk.pool)
    code, found = await answer(tell, "forget", ref, "--by", "caio")
    assert (code, found["requested_by"], found["again"]) == (0, "caio", False)
    assert {name: found[name] for name in ("messages", "replies", "calls")} == foreseen["would_erase"]
    assert found["messages"] == 4
    left = await dump(desk.pool)
    assert [word for word in (LOCAL, "canário", "canÃ¡rio".lower()) if word in left] == []
    assert ref in left
    assert [bytes(row["raw"])[-9:] for row in await desk.pool.fetch("SELECT raw FROM message WHERE raw <> ''")] == [
        "eu também".encode()[-9:],
        b"o meu caso"[-9:],
    ]
    assert await desk.pool.fetch("SELECT * FROM ticket ORDER BY 1") == before


async def test_done_again_it_changes_nothing_and_says_when_it_was_done(desk: Desk, tell: Tell) -> None:
    ref = await a_life(desk)
    first = (await answer(tell, "forget", ref, "--by", "caio"))[1]
    before = await dump(desk.pool)
    code, again = await answer(tell, "forget", ref, "--by", "ana")
    assert (code, again) == (0, {**first, "again": True})
    assert await dump(desk.pool) == before


async def test_broken_off_it_is_finished_by_doing_it_again(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = await a_life(desk)
    person = await person_of(desk.pool, ref)
    assert person is not None
    turns = 0

    class Broken:
        """A pool that is away after a while."""

        def __getattr__(self, name: str) -> Any:
            return getattr(desk.pool, name)

        def acquire(self) -> Any:
            nonlocal turns
            turns += 1
            if turns == 6:
                raise OSError("away")
            return desk.pool.acquire()

    with pytest.raises(OSError, match="away"):
        await forget(Broken(), person, Order("caio", AT, OURS), at_once=1)
    assert await person_of(desk.pool, ref) == person._replace(requested_by="caio")
    rest = await forget(desk.pool, person, Order("ana", AT, OURS), at_once=1)
    assert rest == Erased(messages=2, replies=0, calls=0)
    [row] = await desk.pool.fetch("SELECT requested_by, messages, replies, ended_at FROM erasure")
    assert tuple(row) == ("caio", 4, 2, AT)
    assert LOCAL not in await dump(desk.pool)


async def test_what_is_not_read_or_answered_yet_comes_first(desk: Desk, tell: Tell) -> None:
    ana = f"{LOCAL}@cliente.example"
    await receive(desk, mail(ana, "1@x"), ana)
    ref = await ref_of(desk.pool, "contact", "address", ana)
    before = await dump(desk.pool)
    code, out, err = await tell("forget", ref, "--by", "caio")
    assert (code, out, err) == (1, "", "forget: 1 replies still waiting: run it again when they are done\n")
    await desk.pool.execute("UPDATE reply SET state = 'sent', settled_at = now()")
    await receive(desk, mail(f"Ana <{ana.upper()}>", "2@x"), "list@x", decide=False)
    await receive(desk, mail("bia@outro.example", "3@x"), "bia@outro.example", decide=False)
    code, _, err = await tell("forget", ref, "--by", "caio")
    assert (code, err) == (1, "forget: 1 mails still waiting: run it again when they are done\n")
    assert await desk.pool.fetchval("SELECT count(*) FROM erasure") == 0
    assert before in await dump(desk.pool) or ana in await dump(desk.pool)


async def test_of_a_caller_the_number_goes_and_the_calls_stay(desk: Desk, tell: Tell) -> None:
    await ring(desk, "1", "062987650199")
    await ring(desk, "2", "62 3086-5750")
    code, out, _ = await tell("contacts", "find", "(62) 98765-0199")
    ref, kind = out.split()
    assert (code, kind) == (0, "number")
    await ring(desk, "3", "98765-0199", decide=False)
    assert (await tell("forget", ref, "--by", "caio"))[0] == 1
    await desk.pool.execute("DELETE FROM call WHERE call_id = '3'")
    assert (await answer(tell, "forget", ref, "--by", "caio"))[1]["calls"] == 1
    left = await dump(desk.pool)
    assert [word for word in ("87650199", "8765-0199") if word in left] == []
    assert "30865750" in left
    assert await desk.pool.fetchval("SELECT count(*) FROM call WHERE decision = 'missed'") == 2
    assert (await tell("contacts", "find", NUMBER))[0] == 1


async def test_who_writes_again_is_a_new_contact(desk: Desk, tell: Tell) -> None:
    ref = await a_life(desk)
    assert (await tell("forget", ref, "--by", "caio"))[0] == 0
    ana = f"{LOCAL}@cliente.example"
    await receive(desk, mail(ana, "9@x"), ana)
    new = await ref_of(desk.pool, "contact", "address", ana)
    assert new != ref
    assert await desk.pool.fetchval("SELECT count(*) FROM ticket WHERE contact_ref = $1", new) == 1


WRONG = [
    (
        ("forget", "ana@cliente.example"),
        "forget: CONTACT_REF: must be a UUID, the id that tickets carry, not an address",
    ),
    (
        ("forget", "00000000-0000-0000-0000-000000000000"),
        "forget: CONTACT_REF 00000000-0000-0000-0000-000000000000: no contact has this id",
    ),
    (
        ("forget", "00000000-0000-0000-0000-000000000000", "--by", "ana@desk.example"),
        "forget: --by: must be an id as in agents.yaml (letters, digits, . _ -), not an address",
    ),
]


@pytest.mark.parametrize(("arguments", "said"), WRONG)
async def test_what_cannot_be_is_said(arguments: tuple[str, ...], said: str, tell: Tell) -> None:
    assert await tell(*arguments) == (2, "", f"{said}\n")


async def test_without_a_database_it_says_so(tell: Tell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRAZO_DATABASE_URL", "postgresql://x@127.0.0.1:1/x")
    code, _, err = await tell("forget", "00000000-0000-0000-0000-000000000000")
    assert (code, err) == (3, "forget: the database cannot be used (ConnectionRefusedError)\n")


async def test_the_desk_page_says_that_a_message_was_erased(desk: Desk, tell: Tell) -> None:
    ref = await a_life(desk)
    ticket = await desk.pool.fetchval("SELECT ticket_id FROM ticket WHERE contact_ref = $1 ORDER BY 1 LIMIT 1", ref)
    assert (await tell("forget", ref, "--by", "caio"))[0] == 0
    async with browser(app(desk.pool)) as client:
        await log_in(client)
        page = await client.get(f"/desk/tickets/{ticket}")
        discarded = await client.get("/desk/discarded")
    assert page.text.count("O conteúdo desta mensagem foi apagado") == 2
    assert "eu também" in page.text
    assert "resposta automáti" not in discarded.text.partition("<table")[2]
