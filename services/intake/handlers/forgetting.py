"""A person is forgotten: everything that says who wrote or called goes; tickets and events, which carry an opaque id, stay.

What is done to each column that can name a person (all others hold none):

* ``contact``, ``contact_number``: the row goes, last of all. Who writes or calls again is a new contact with a new id.
* ``message``: of mails that the person wrote, and of all others in its tickets but those that another contact wrote (the
  desk's answers are addressed to it, machines quote it): ``raw`` with body and attachments, ``envelope_from``,
  ``message_id`` and ``fingerprint`` are emptied. ``sha256`` stays, by which the bytes are known when they come again.
* ``reply``: settled rows go (``facts`` has Message-IDs); the address was never in them.
* ``call``: ``number`` and ``channel`` are emptied, and ``number`` of its ``call_event`` rows.
* ``ticket``, ``happening``, ``clock``, ``outbox``: stay; titles were masked before they came here.
* ``imap_message``, ``submitted``, ``call_signature``: hashes and places; ``session``: people of the desk.

Out of reach: mails of others that quote the person, the copies in the mailbox itself, backups, topics until their retention ends.
"""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.intake.domain.headers import HEAD_BYTES, read_header
from services.intake.store import queries

AT_ONCE = 200
_HEADS_AT_ONCE = 100


class Person(NamedTuple):
    """Whom a contact_ref stands for: an address or a number, neither once it was forgotten (``ended_at``)."""

    contact_ref: str
    address: str | None
    number: str | None
    ended_at: datetime | None
    requested_by: str | None


class Waiting(NamedTuple):
    """What is still to be done for a person: mails to be read, answers to be sent, calls to be decided of."""

    mails: int
    replies: int
    calls: int


class Erased(NamedTuple):
    """How much was, or would be, erased."""

    messages: int = 0
    replies: int = 0
    calls: int = 0


class Order(NamedTuple):
    """Who asks for an erasure, and when. ``ours``: addresses of agents and mailboxes, whose mails to the person go with it."""

    by: str
    at: datetime
    ours: Sequence[str] = ()


class StillWaiting(Exception):
    """Something of the person is still to be done: it is done first, and nothing of it is lost."""

    def __init__(self, waiting: Waiting) -> None:
        super().__init__(", ".join(f"{count} {what}" for what, count in waiting._asdict().items() if count))
        self.waiting = waiting


async def person_of(pool: Any, contact_ref: str) -> Person | None:
    """Return whom a contact_ref (a UUID) stands for, or None for one that was never given out."""
    row = await queries.person(pool, contact_ref=contact_ref)
    if row is None:
        return None
    return Person(contact_ref, row["address"], row["number"], row["ended_at"], row["requested_by"])


async def waiting_for(pool: Any, person: Person) -> Waiting:
    """Return what is still to be done for a person. A call counts by the last eight digits: rather one too many."""
    row = await queries.waiting_of(pool, contact_ref=person.contact_ref, number=person.number)
    return Waiting(await _unread(pool, person.address), row["replies"], row["calls"])


async def erasable(pool: Any, person: Person, ours: Sequence[str] = ()) -> Erased:
    """Return how much would be erased; see ``forget``."""
    row = await queries.erasable(
        pool, contact_ref=person.contact_ref, address=person.address, number=person.number, ours=list(ours)
    )
    return Erased(**row)


async def forget(pool: Any, person: Person, order: Order, at_once: int = AT_ONCE) -> Erased:
    """Erase a person in transactions of up to ``at_once`` rows, each recorded in ``erasure``; return what went this time.

    Raises ``StillWaiting`` before anything goes, or at the end if something came meanwhile. Broken off, it is finished by
    doing it again; done again after its end, it erases nothing.
    """
    waiting = await waiting_for(pool, person)
    if any(waiting):
        raise StillWaiting(waiting)
    await queries.begin_erasure(pool, contact_ref=person.contact_ref, requested_by=order.by, at=order.at)
    total = Erased()
    while True:
        async with pool.acquire() as connection, connection.transaction():
            await queries.lock_decisions(connection)
            await queries.lock_calls(connection)
            erased = await _erase(connection, person, order, at_once)
            await queries.count_erased(connection, contact_ref=person.contact_ref, **erased._asdict())
            if not any(erased):
                row = await queries.waiting_of(connection, contact_ref=person.contact_ref, number=person.number)
                if row["replies"] or row["calls"]:
                    raise StillWaiting(Waiting(0, row["replies"], row["calls"]))
                await queries.erase_contact(connection, contact_ref=person.contact_ref, at=order.at)
                return total
        total = Erased(*(a + b for a, b in zip(total, erased, strict=True)))


async def _erase(connection: Any, person: Person, order: Order, at_most: int) -> Erased:
    ref, count = person.contact_ref, dict[str, int]()
    whose = {"contact_ref": ref, "address": person.address, "ours": list(order.ours), "at": order.at}
    steps: list[tuple[str, Callable[..., Coroutine[Any, Any, int]], dict[str, Any]]] = [
        ("messages", queries.erase_messages_of, whose),
        ("replies", queries.erase_replies_of, {"contact_ref": ref}),
        ("calls", queries.erase_calls_of, {"number": person.number}),
    ]
    for what, erase, given in steps:
        count[what] = await erase(connection, **given, at_most=at_most)
    return Erased(**count)


async def _unread(pool: Any, address: str | None) -> int:
    """Return how many mails that nothing was decided of are from an address, by envelope or header."""
    count, above = 0, 0
    while address is not None:
        found = queries.unread_heads(pool, above=above, bytes=HEAD_BYTES, at_most=_HEADS_AT_ONCE)
        rows = [row async for row in found]
        count += sum(address in (row["envelope_from"], read_header(row["head"]).address("from")) for row in rows)
        if len(rows) < _HEADS_AT_ONCE:
            break
        above = rows[-1]["id"]
    return count
