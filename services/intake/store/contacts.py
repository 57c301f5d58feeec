"""Who is registered for announcements, and for which client (policy rule 13)."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from services.intake.domain.contact_file import Registration
from services.intake.store import queries

_AT_ONCE = 5000


class Counts(NamedTuple):
    """What an import does."""

    new: int
    changed: int
    unchanged: int


async def register(pool: Any, wanted: Sequence[Registration], now: datetime, *, write: bool = True) -> Counts:
    """Register every contact, or with ``write=False`` only count; all of them or none.

    One without ``registered_at`` keeps its own; a new one gets ``now``. The same again changes nothing.
    """
    async with pool.acquire() as connection, connection.transaction():
        await queries.lock_contacts(connection)
        counts = [
            await _register(connection, some, now, write=write)
            for kind in (True, False)
            for some in _parts([one for one in wanted if ("@" in one.contact) is kind])
        ]
    return Counts(*(sum(column) for column in zip(*counts, strict=True))) if counts else Counts(0, 0, 0)


def _parts(wanted: Sequence[Registration]) -> Sequence[Sequence[Registration]]:
    ordered = sorted(wanted)  # by contact, which is there once: no deadlocks
    return [ordered[n : n + _AT_ONCE] for n in range(0, len(ordered), _AT_ONCE)]


async def _register(connection: Any, wanted: Sequence[Registration], now: datetime, *, write: bool) -> Counts:
    addresses = "@" in wanted[0].contact
    read, save = (
        (queries.registered_addresses, queries.register_addresses)
        if addresses
        else (queries.registered_numbers, queries.register_numbers)
    )
    found = read(connection, contacts=[one.contact for one in wanted])
    known = {row["contact"]: Registration(*row) async for row in found}
    rows = [(one, _after(one, known, now)) for one in wanted]
    to_save = [after for _, after in rows if known.get(after.contact) != after]
    if write and to_save:
        contacts, client_ids, registered_ats = (list(column) for column in zip(*to_save, strict=True))
        await save(connection, contacts=contacts, client_ids=client_ids, registered_ats=registered_ats)
    new = sum(known.get(one.contact) is None or known[one.contact].client_id is None for one in to_save)
    return Counts(new, len(to_save) - new, len(rows) - len(to_save))


def _after(one: Registration, known: Mapping[str, Registration], now: datetime) -> Registration:
    before = known.get(one.contact)
    kept = before.registered_at if before is not None else None
    return one._replace(registered_at=one.registered_at or kept or now)
