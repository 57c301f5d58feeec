"""All SQL of backup_audit; speaks domain objects, never rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from services.backup_audit.domain.outage import Outage, Progress
from shared.clients import Clients
from shared.sql import load_queries

queries = load_queries(Path(__file__).parent / "queries.sql")


@dataclass(frozen=True, slots=True)
class Claimed:
    """A routine that is to be checked; ``progress`` None: never looked at."""

    client_id: str
    routine_id: str
    progress: Progress | None
    attempt: int
    now: datetime


async def save_configuration(connection: Any, clients: Clients) -> None:
    """Make the database list exactly the configured clients' routines as active."""
    known = clients.clients
    routines = [(client.id, routine.id) for client in known for routine in client.routines]
    pairs = {"client_ids": [c for c, _ in routines], "routine_ids": [r for _, r in routines]}
    await queries.save_clients(
        connection,
        ids=[c.id for c in known],
        names=[c.name for c in known],
        modalities=[c.modality for c in known],
        responsibilities=[c.responsibility for c in known],
    )
    await queries.retire_routines(connection, **pairs)
    await queries.save_routines(connection, **pairs)


async def claim(pool: Any, at_most: int, lease: timedelta) -> Sequence[Claimed]:
    """Claim routines that are due for ``lease``."""
    return [
        Claimed(row["client_id"], row["routine_id"], _progress(row), row["attempt"], row["now"])
        async for row in queries.claim(pool, at_most=at_most, lease=lease)
    ]


def _progress(row: Any) -> Progress | None:
    if row["slot"] is None:
        return None
    raw = None if row["outage"] is None else orjson.loads(row["outage"])
    if raw is not None:
        instants = {name: datetime.fromisoformat(raw[name]) for name in ("first_slot", "since_at")}
        raw = {**raw, **instants}
    return Progress(row["slot"], row["said"], None if raw is None else Outage(**raw))


async def record(connection: Any, claimed: Claimed, progress: Progress, next_check_at: datetime) -> bool:
    """Record how far the routine is judged; False when another attempt holds it now."""
    attempt = await queries.record(
        connection,
        client_id=claimed.client_id,
        routine_id=claimed.routine_id,
        attempt=claimed.attempt,
        slot=progress.slot,
        said=progress.said,
        outage=None if progress.outage is None else orjson.dumps(progress.outage),
        next_check_at=next_check_at,
    )
    return attempt is not None
