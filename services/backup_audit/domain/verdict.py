"""L0: did a file of this slot land? Never a pass by absence; each fault has its attribution and confidence.

A file belongs to a slot when it was finished from ``early`` before it until ``early`` before the next one, so a late
run does not satisfy the next slot. The receipt that the routine leaves is the routine's own signal.
"""

from dataclasses import dataclass
from datetime import datetime

from services.backup_audit.domain.names import of_routine
from services.backup_audit.domain.slots import expected_by, next_slot
from shared.clients import Routine


@dataclass(frozen=True, slots=True)
class File:
    """A regular file of the directory."""

    name: str
    size_bytes: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Receipt:
    """What ``receipt.json`` says: ``failed`` when an exit code is not 0 or there is no sha256."""

    failed: bool
    written_at: datetime
    size_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A healthy directory."""

    files: tuple[File, ...]
    receipt: Receipt | None
    free_bytes: int


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The directory cannot be listed; ``why`` is one word: missing, permission, not_a_directory, io."""

    why: str


@dataclass(frozen=True, slots=True)
class ProbeFailed:
    """Our own probe did not answer: ``why`` is timeout or crash."""

    why: str


Observation = Listing | Unreachable | ProbeFailed


@dataclass(frozen=True, slots=True)
class Pass:
    """The slot's file is there and whole as far as L0 sees."""

    file: File


@dataclass(frozen=True, slots=True)
class Fail:
    """What is wrong, whose fault it is, and how sure that is (0 to 1). ``code`` is the type on ``backups.v1``."""

    code: str
    responsible: str
    confidence: float
    reason: str
    file: File | None = None


@dataclass(frozen=True, slots=True)
class InProgress:
    """Something is being written and there is time left."""


@dataclass(frozen=True, slots=True)
class NotDue:
    """Nothing is there and nothing has to be yet."""


Verdict = Pass | Fail | InProgress | NotDue

# Attribution as data: (code, what the routine says) → (responsible, confidence). Source: backup-audit, "Whose fault".
ATTRIBUTION: dict[tuple[str, str], tuple[str, float]] = {
    ("directory_unreachable", "any"): ("client", 0.9),
    ("unverified", "any"): ("vendor", 0.9),
    ("overdue", "failing"): ("vendor", 0.95),
    ("overdue", "silent"): ("unknown", 0.5),
    ("incomplete", "failing"): ("vendor", 0.9),
    ("incomplete", "silent"): ("unknown", 0.5),
}


def judge(routine: Routine, slot: datetime, seen: Observation, now: datetime) -> Verdict:
    """Return the verdict on ``slot`` of what was seen at ``now``."""
    match seen:
        case Unreachable(why):
            return _fail("directory_unreachable", "any", why)
        case ProbeFailed(why):
            return _fail("unverified", "any", why)
        case Listing():
            return _judge_listing(routine, slot, seen, now)


def _judge_listing(routine: Routine, slot: datetime, seen: Listing, now: datetime) -> Verdict:
    begin, end = slot - routine.early, next_slot(routine, slot) - routine.early
    mine = [f for f in seen.files if begin <= f.modified_at < end and of_routine(f.name, routine.pattern)]
    whole = [f for f in mine if not f.name.endswith(".partial") and f.size_bytes >= routine.min_size_bytes]
    receipt = seen.receipt if seen.receipt and begin <= seen.receipt.written_at < end else None
    failed = receipt is not None and receipt.failed
    if whole:
        newest = max(whole, key=lambda f: f.modified_at)
        spoilt = receipt is not None and failed and receipt.written_at >= newest.modified_at  # its last word: it failed
        if not spoilt and (receipt is None or failed or receipt.size_bytes in (None, newest.size_bytes)):
            return Pass(newest)
        mine = [newest]
    if now < expected_by(routine, slot):
        return InProgress() if mine else NotDue()
    signal = "failing" if failed else "silent"
    if mine:
        reason = "routine_failed" if whole and failed else "short_or_partial"
        return _fail("incomplete", signal, reason, max(mine, key=lambda f: f.modified_at))
    return _fail("overdue", signal, "routine_failed" if signal == "failing" else "no_file")


def _fail(code: str, signal: str, reason: str, file: File | None = None) -> Fail:
    responsible, confidence = ATTRIBUTION[code, signal]
    return Fail(code, responsible, confidence, reason, file)
