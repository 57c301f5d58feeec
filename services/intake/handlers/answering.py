"""An automatic answer is planned with the ticket that it is about, at most one for each."""

from datetime import timedelta
from typing import Any

import orjson

from services.intake import metrics
from services.intake.domain.answering import why_no_reply
from services.intake.domain.contact import Contact
from services.intake.handlers.desk import Desk
from services.intake.store import queries
from services.intake.store.mail import Unread

_DAY = timedelta(days=1)
_REFERENCES = 10


async def plan_reply(
    connection: Any, desk: Desk, message: Unread, found: Contact, contact_ref: str | None, ticket_id: str
) -> None:
    """Plan the answer in the caller's transaction, or count why there is none."""
    settings = desk.known.identity.auto_reply
    able, since = contact_ref is not None and settings.sender is not None, message.received_at - _DAY
    row = (
        await queries.replies_of(connection, contact_ref=contact_ref, ticket_id=ticket_id, since=since)
        if able
        else None
    )
    if row is None or why_no_reply(found, settings, row["replies"], row["flood"]) is not None:
        metrics.replies.labels("suppressed").inc()
        return
    facts = {
        "title": found.title,
        "language": found.language,
        "message_id": found.message_id,
        "references": found.relation.references[:_REFERENCES],
        "articles": found.articles,
        "scope_hint": found.scope_hint,
        "registered": found.registered,
    }
    await queries.plan_reply(
        connection,
        ticket_id=ticket_id,
        contact_ref=contact_ref,
        message=message.id,
        facts=orjson.dumps(facts).decode(),
        created_at=message.received_at,
        ready_after=settings.after,
    )
