"""What is kept how long: one table, one loop. Oldest first, in bounded steps, and never what is still undecided."""

from collections.abc import Callable, Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import structlog

from services.intake import metrics
from services.intake.store import queries
from shared.postgres import is_transient

log = structlog.get_logger(__name__)

AT_ONCE = 1000
MAILS_AT_ONCE = 200
TICKETS_AT_ONCE = 200
SUBMITTED_KEPT = timedelta(days=30)
"""No sender repeats an event over HTTP that it heard nothing about for longer."""
SIGNATURES_KEPT = timedelta(minutes=15)
"""Three times as long as a signature of ``POST /v1/calls`` is valid."""
SESSIONS_KEPT = timedelta(days=1)
"""Longer than any log-in at the desk pages lasts."""

Forget = Callable[..., Coroutine[Any, Any, int]]


class Kept(NamedTuple):
    """Something that is kept for a while. ``forget`` takes ``before`` and ``at_most`` and returns how many are gone."""

    what: str
    forget: Forget
    kept: timedelta
    at_most: int = AT_ONCE


def kept(personal: timedelta, history: timedelta, threads: timedelta) -> Sequence[Kept]:
    """Return everything that intake forgets by age.

    ``personal``: raw mails with their attachments, answers, calls. ``history``: what the desk pages show of closed tickets,
    and contacts that nobody registered. ``threads``: how long after its end a ticket takes mail.
    """
    return (
        Kept("mails", queries.erase_mails, personal, MAILS_AT_ONCE),
        Kept("threads", queries.forget_threads, threads),
        Kept("replies", queries.forget_replies, personal),
        Kept("calls", queries.forget_calls, personal),
        Kept("mail_places", queries.forget_mail_places, history),
        Kept("tickets", queries.forget_closed, history, TICKETS_AT_ONCE),
        Kept("addresses", queries.forget_addresses, history),
        Kept("numbers", queries.forget_numbers, history),
        Kept("submitted", queries.forget_submitted, SUBMITTED_KEPT),
        Kept("signatures", queries.forget_signatures, SIGNATURES_KEPT),
        Kept("sessions", queries.forget_sessions, SESSIONS_KEPT),
    )


async def forget_old(pool: Any, table: Sequence[Kept], now: datetime) -> bool:
    """Forget up to ``at_most`` of each; True when there may be more. One that fails keeps none of the others from it.

    Raises the first failure, and at once when the database is away.
    """
    gone, failures = {}, []
    for one in table:
        try:
            gone[one] = await one.forget(pool, before=now - one.kept, at_most=one.at_most)
            metrics.forgotten.labels(one.what).inc(gone[one])
        except Exception as error:  # the edge of one kind: the loop counts and logs the first of them
            if is_transient(error):
                raise
            failures.append(error)
    if said := {one.what: count for one, count in gone.items() if count and one.kept >= SUBMITTED_KEPT}:
        log.info("forgotten", **said)
    if failures:
        raise failures[0]
    return any(count == one.at_most for one, count in gone.items())
