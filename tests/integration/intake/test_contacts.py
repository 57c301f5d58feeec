"""``intake contacts import``: who is registered (policy rule 13); all or nothing, the same again changes nothing."""

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson

from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.store.mail import Received, store_message
from shared.clients import Client, Clients
from tests.integration.intake.told import Tell, answer
from tests.reading import NOTHING_KNOWN, read

AT = datetime(2026, 3, 5, 12, tzinfo=UTC)


async def registered(pool: Any) -> list[tuple[str, str, Any]]:
    """Return who is registered for whom since when."""
    rows = await pool.fetch(
        "SELECT address AS contact, client_id, registered_at FROM contact UNION ALL"
        " SELECT number, client_id, registered_at FROM contact_number ORDER BY 1"
    )
    return [tuple(row) for row in rows]


async def test_an_import_registers_counts_and_changes_nothing_the_second_time(
    pool: Any,
    tell: Tell,
    tmp_path: Path,
) -> None:
    file = tmp_path / "f.csv"
    file.write_bytes(
        "endereço;telefone;cliente;cadastrado_em\r\nAna@x.example;3086-5750;acme;05/03/2026\r\nb@x.example;;nuvem;\r\n".encode(
            "cp1252"
        )
    )
    ref = await pool.fetchval("INSERT INTO contact (address) VALUES ('ana@x.example') RETURNING contact_ref")
    assert await answer(tell, "contacts", "import", str(file), "--dry-run") == (
        0,
        {"new": 3, "changed": 0, "unchanged": 0, "dry_run": True},
    )
    assert [row[1] for row in await registered(pool)] == [None]
    assert await tell("contacts", "import", str(file)) == (0, "3 new, 0 changed, 0 unchanged\n", "")
    after = await registered(pool)
    day = datetime(2026, 3, 5, 3, tzinfo=UTC)
    assert after[:2] == [("+556230865750", "acme", day), ("ana@x.example", "acme", day)]
    assert await tell("contacts", "import", str(file)) == (0, "0 new, 0 changed, 3 unchanged\n", "")
    file.write_text("address,client_id\nb@x.example,acme\n")
    assert await tell("contacts", "import", str(file)) == (0, "0 new, 1 changed, 0 unchanged\n", "")
    assert await registered(pool) == [*after[:2], ("b@x.example", "acme", after[2][2])]
    assert await pool.fetchval("SELECT contact_ref FROM contact WHERE address = 'ana@x.example'") == ref


async def test_one_wrong_line_keeps_all_of_a_file_out(pool: Any, tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("address,client_id\na@x.example,acme\nb@x.example,nobody\nnobody,acme\n")
    code, out, err = await tell("contacts", "import", str(file))
    assert (code, out) == (2, "")
    assert err.splitlines() == [
        "contacts: nothing was changed, 2 errors",
        f"{file}:3: client_id: must be an id of clients.yaml",
        f"{file}:4: address: must be one e-mail address without a name",
    ]
    assert await registered(pool) == []
    assert (await tell("contacts", "import", str(tmp_path / "missing.csv")))[0] == 2


async def test_a_large_file_is_registered_whole(pool: Any, tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("address,client_id\n" + "".join(f"a{n}@x.example,acme\n" for n in range(12_000)))
    assert await tell("contacts", "import", str(file)) == (0, "12000 new, 0 changed, 0 unchanged\n", "")
    assert await pool.fetchval("SELECT count(*) FROM contact WHERE client_id = 'acme'") == 12_000


async def test_a_ticket_says_that_its_contact_is_registered(pool: Any, tell: Tell, tmp_path: Path) -> None:
    file = tmp_path / "f.csv"
    file.write_text("address,client_id\nana@gmail.com,acme\n")
    assert (await tell("contacts", "import", str(file)))[0] == 0
    clients = Clients(clients=(Client(id="acme", name="Acme", modality="saas", database="postgresql"),))
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN._replace(clients=clients), read)
    for n, sender in enumerate(("ana@gmail.com", "bia@gmail.com")):
        raw = f"From: {sender}\r\nSubject: s{n}\r\nMessage-ID: <{n}@x>\r\n\r\nx".encode()
        received = Received("suporte@desk.example", f"<{n}@x>", raw, hashlib.sha256(raw).digest(), AT, "", sender)
        async with pool.acquire() as connection:
            await store_message(connection, received)
    await open_tickets(desk)
    events = [orjson.loads(row["body"])["data"] for row in await pool.fetch("SELECT body FROM outbox ORDER BY id")]
    assert [(one.get("client_id"), one.get("contact_registered")) for one in events] == [("acme", True), (None, False)]
