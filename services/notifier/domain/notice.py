"""A notice: one message of a page by one method of one person. For a page a duplicate beats a loss.

planned ──claim──► sending ──accepted──► accepted ──proof──► delivered
   ▲                 │  │                    └──bounce──► failed
   │                 │  └──failed for good, or given up──► failed (a dead letter: seen, replayed, dropped)
   ├──failed for now─┤
   ├──unknown────────┤  the answer was lost: the same notice again, marked as a repetition
   └──lease ended────┘  the process died: unknown, too
planned ──claim, nothing of it is wanted any more──► suppressed

Only the attempt that holds a notice may settle it (its number is the fence). What failed moves on at once to the person's
next method, then to the next step; so does what has not been accepted within its patience, while its own attempts go on.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from services.notifier.domain.message import Outcome, Result

GIVE_UP = timedelta(hours=1)
"""After which a notice that nobody took is a dead letter; the alert's other steps go on all the time."""

PATIENCE = timedelta(seconds=60)
"""After which a notice that nobody took lets the next method begin."""

_TO_SETTLE = timedelta(seconds=10)

_FIRST_RETRY, _LONGEST_RETRY = timedelta(seconds=2), timedelta(seconds=120)


class State(StrEnum):
    """Where a notice is."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"
    DELIVERED = "delivered"
    FAILED = "failed"
    SUPPRESSED = "suppressed"


@dataclass(frozen=True, slots=True)
class Settled:
    """What an attempt leaves: the state, when the next attempt is due (only of ``planned``), and why."""

    state: State
    next_at: datetime | None
    reason: str | None


def lease_of(timeout: timedelta) -> timedelta:
    """Return how long an attempt on a channel with ``timeout`` holds its notice: after a crash it is repeated so soon."""
    return timeout + _TO_SETTLE


def settle(result: Result, attempt: int, due_at: datetime, now: datetime) -> Settled:
    """Return what becomes of a notice that was due at ``due_at`` after its ``attempt``-th attempt."""
    match result.outcome:
        case Outcome.ACCEPTED:
            return Settled(State.ACCEPTED, None, result.reason)
        case Outcome.DELIVERED:
            return Settled(State.DELIVERED, None, result.reason)
        case Outcome.FAILED_PERMANENT:
            return Settled(State.FAILED, None, result.reason)
        case Outcome.FAILED_TEMPORARY | Outcome.UNKNOWN:
            wait = result.retry_in or min(_FIRST_RETRY * 2 ** min(attempt - 1, 8), _LONGEST_RETRY)
            if now + wait > due_at + GIVE_UP:
                return Settled(State.FAILED, None, "gave_up")
            return Settled(State.PLANNED, now + wait, result.reason)
