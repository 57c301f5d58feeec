"""What is published of a check: events of ``backups.v1``, and of the ticket that a lasting failure opens."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from services.backup_audit.domain.outage import Act, Outage
from services.backup_audit.domain.slots import expected_by
from services.backup_audit.domain.verdict import Fail, File, Pass, Verdict
from shared.clients import Client, Routine
from shared.events import (
    Artifact,
    BackupDirectoryUnreachable,
    BackupIncomplete,
    BackupOverdue,
    BackupRecovered,
    BackupUnverified,
    BackupVerified,
    Event,
    Evidence,
    TicketOpened,
    TicketPaused,
    TicketResolved,
    TicketResumed,
    event_id,
    new_event,
)

SOURCE = "prazo/backup_audit"
_NAMESPACE = uuid.UUID("5d0f8c1e-3f0a-5a55-9d5c-8d9f1f6c2b11")
_FAILURES: dict[str, type[BaseModel]] = {
    "overdue": BackupOverdue,
    "incomplete": BackupIncomplete,
    "directory_unreachable": BackupDirectoryUnreachable,
    "unverified": BackupUnverified,
}


@dataclass(frozen=True, slots=True)
class Check:
    """One look at one slot."""

    client: Client
    routine: Routine
    slot: datetime
    verdict: Verdict
    now: datetime
    took_seconds: float
    next_check_at: datetime


def ticket_id(client_id: str, routine_id: str, first_slot: datetime) -> str:
    """Return the id of an outage's ticket: the same for every replica and after every crash."""
    return f"bkp-{uuid.uuid5(_NAMESPACE, f'{client_id}/{routine_id}/{first_slot.isoformat()}')}"


def backup_events(check: Check, acts: list[Act]) -> Iterator[Event[Any]]:
    """Yield the events of ``backups.v1``."""
    for act in acts:
        match act:
            case Act.VERIFIED:
                yield _backup(check, BackupVerified)
            case Act.RECOVERED:
                yield _backup(check, BackupRecovered)
            case Act.FAILED if isinstance(check.verdict, Fail):
                yield _backup(check, _FAILURES[check.verdict.code])
            case _:
                continue


def _backup(check: Check, kind: type[BaseModel]) -> Event[Any]:
    verdict = check.verdict
    failed = verdict if isinstance(verdict, Fail) else None
    file = verdict.file if isinstance(verdict, (Pass, Fail)) else None
    evidence = Evidence(
        check="presence",
        result="fail" if failed else "pass",
        detail=failed.reason if failed else "file_present",
        duration_seconds=round(check.took_seconds, 3),
    )
    data = kind(
        client_id=check.client.id,
        routine_id=check.routine.id,
        modality=check.client.modality,
        responsible=failed.responsible if failed else "vendor",
        confidence=failed.confidence if failed else 1.0,
        level="L0",
        artifact=None if file is None else _artifact(file),
        slot=check.slot,
        expected_by=expected_by(check.routine, check.slot),
        evidence=(evidence,),
        next_check_at=check.next_check_at,
        reason=failed.reason if failed else None,
    )
    at = check.now.isoformat()  # one slot may fail, be unreachable and fail again: each is an event of its own
    return new_event(
        data,
        id=event_id("backup", check.client.id, check.routine.id, check.slot.isoformat(), kind.__name__, at),
        source=SOURCE,
        subject=check.client.id,
        time=check.now,
    )


def _artifact(file: File) -> Artifact:
    return Artifact(name=file.name[:200], size_bytes=file.size_bytes, finished_at=file.modified_at)


def ticket_events(check: Check, acts: list[Act], outage: Outage | None) -> Iterator[Event[Any]]:
    """Yield the events of the outage's ticket on ``tickets.v1``, in the order in which they act."""
    if outage is None:
        return
    ticket = ticket_id(check.client.id, check.routine.id, outage.first_slot)
    for act in acts:
        data: BaseModel
        match act:
            case Act.OPEN_TICKET:
                data = _opened(check, ticket, outage)
            case Act.PAUSE_TICKET:
                data = TicketPaused(ticket_id=ticket, reason="customer_infrastructure")
            case Act.RESUME_TICKET:
                data = TicketResumed(ticket_id=ticket, reason="customer_infrastructure")
            case Act.RESOLVE_TICKET:
                data = TicketResolved(ticket_id=ticket, by=SOURCE, automatic=True)
            case _:
                continue
        id_ = event_id(ticket, act.value, outage.pauses)
        yield new_event(data, id=id_, source=SOURCE, subject=ticket, time=check.now)


def _opened(check: Check, ticket: str, outage: Outage) -> TicketOpened:
    slot = outage.first_slot.astimezone(ZoneInfo(check.routine.zone))
    title = f"Backup de {slot:%d/%m %H:%M} não confirmado: {check.client.name}, rotina {check.routine.id}"
    return TicketOpened(
        ticket_id=ticket,
        service="backup-routine",
        channel="system",
        title=title[:120],
        client_id=check.client.id,
        coverage="covered",
    )
