"""One outage from its first failed slot to recovery, and what each verdict on the way asks for.

sound ──Fail──► failing ──lasts one grace──► failing, ticket open (paused while it is the client's)
  ▲                │                                 │
  └──────Pass──────┴───────────────Pass──────────────┘  recovered; an open ticket is resolved
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.backup_audit.domain.slots import next_slot
from services.backup_audit.domain.verdict import Fail, Pass, Verdict
from shared.clients import Routine


class Act(StrEnum):
    """What is to be published."""

    VERIFIED = "verified"
    FAILED = "failed"
    RECOVERED = "recovered"
    OPEN_TICKET = "open_ticket"
    PAUSE_TICKET = "pause_ticket"
    RESUME_TICKET = "resume_ticket"
    RESOLVE_TICKET = "resolve_ticket"


@dataclass(frozen=True, slots=True)
class Outage:
    """A failure that lasts: since when, from which slot on, and what was done about it."""

    first_slot: datetime
    since_at: datetime
    ticket_open: bool = False
    ticket_paused: bool = False
    pauses: int = 0


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a routine is judged: the slot now looked at, what was last said of it, and the outage if there is one."""

    slot: datetime
    said: str = ""
    outage: Outage | None = None


def advance(routine: Routine, progress: Progress, verdict: Verdict, now: datetime) -> tuple[Progress, list[Act]]:
    """Return the progress after a verdict on ``progress.slot``, and what to publish, in order."""
    match verdict:
        case Pass():
            acts = [Act.VERIFIED] if progress.said != "verified" else []
            if progress.outage is not None:
                acts.append(Act.RECOVERED)
                acts += [Act.RESOLVE_TICKET] if progress.outage.ticket_open else []
            return Progress(progress.slot, "verified"), acts
        case Fail():
            since = min(now, progress.slot + routine.duration) if verdict.code == "overdue" else now
            outage = progress.outage or Outage(progress.slot, since)
            acts = [] if progress.said == verdict.code else [Act.FAILED]
            outage, more = _ticket(routine, outage, verdict, now)
            return Progress(progress.slot, verdict.code, outage), acts + more
        case _:
            return progress, []


def _ticket(routine: Routine, outage: Outage, verdict: Fail, now: datetime) -> tuple[Outage, list[Act]]:
    acts = list(_ticket_acts(routine, outage, verdict, now))
    for act in acts:
        match act:
            case Act.OPEN_TICKET:
                outage = replace(outage, ticket_open=True)
            case Act.PAUSE_TICKET:
                outage = replace(outage, ticket_paused=True, pauses=outage.pauses + 1)
            case _:
                outage = replace(outage, ticket_paused=False)
    return outage, acts


def _ticket_acts(routine: Routine, outage: Outage, verdict: Fail, now: datetime) -> Iterator[Act]:
    if not outage.ticket_open:
        if now - outage.since_at < routine.grace:
            return
        yield Act.OPEN_TICKET
    clients = verdict.responsible == "client"
    if clients and not outage.ticket_paused:
        yield Act.PAUSE_TICKET
    elif not clients and outage.ticket_paused:
        yield Act.RESUME_TICKET


def onward(routine: Routine, progress: Progress, now: datetime) -> Progress:
    """Return the progress on the next slot once that one has begun and this one is judged; every slot has its turn."""
    following = next_slot(routine, progress.slot)
    judged = progress.said not in ("", "unverified", "directory_unreachable") or progress.outage is not None
    if judged and following - routine.early <= now:
        return Progress(following, "", progress.outage)
    return progress
