"""The public contract as frozen models: every type of the four topics, decoded and encoded in one place."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ValidationError

from shared.events.backups import (
    Artifact,
    BackupCorrupt,
    BackupData,
    BackupDirectoryUnreachable,
    BackupIncomplete,
    BackupOverdue,
    BackupRecovered,
    BackupRestored,
    BackupSuspicious,
    BackupUnverified,
    BackupVerified,
    Evidence,
)
from shared.events.envelope import (
    CONTENT_TYPE,
    Event,
    Outgoing,
    Undecodable,
    check_arrival,
    content_hash,
    content_of,
    encode,
    event_id,
    loads,
    parse_json,
    received_at_of,
)
from shared.events.envelope import first_error as _first_error
from shared.events.notices import (
    NoticeAcknowledged,
    NoticeBounced,
    NoticeData,
    NoticeDelivered,
    NoticeEscalated,
    NoticeExhausted,
    NoticeFailed,
    NoticePlanned,
    NoticeReleased,
    NoticeSent,
    NoticeSuppressed,
    NoticeUnknown,
)
from shared.events.sla import (
    Interval,
    Plan,
    SlaBreached,
    SlaCancelled,
    SlaClosedLate,
    SlaData,
    SlaExempted,
    SlaMet,
    SlaPaused,
    SlaRescheduled,
    SlaResumed,
    SlaRevised,
    SlaStarted,
    SlaWarning,
    TicketSummary,
)
from shared.events.tickets import (
    TicketActionStarted,
    TicketAssigned,
    TicketCancelled,
    TicketData,
    TicketExempted,
    TicketMerged,
    TicketOpened,
    TicketPaused,
    TicketReclassified,
    TicketRefused,
    TicketReopened,
    TicketResolved,
    TicketResponded,
    TicketResumed,
    TicketScheduled,
)

__all__ = [
    "CONTENT_TYPE",
    "MODELS",
    "Artifact",
    "BackupCorrupt",
    "BackupData",
    "BackupDirectoryUnreachable",
    "BackupIncomplete",
    "BackupOverdue",
    "BackupRecovered",
    "BackupRestored",
    "BackupSuspicious",
    "BackupUnverified",
    "BackupVerified",
    "Event",
    "Evidence",
    "Interval",
    "NoticeAcknowledged",
    "NoticeBounced",
    "NoticeData",
    "NoticeDelivered",
    "NoticeEscalated",
    "NoticeExhausted",
    "NoticeFailed",
    "NoticePlanned",
    "NoticeReleased",
    "NoticeSent",
    "NoticeSuppressed",
    "NoticeUnknown",
    "Outgoing",
    "Plan",
    "SlaBreached",
    "SlaCancelled",
    "SlaClosedLate",
    "SlaData",
    "SlaExempted",
    "SlaMet",
    "SlaPaused",
    "SlaRescheduled",
    "SlaResumed",
    "SlaRevised",
    "SlaStarted",
    "SlaWarning",
    "TicketActionStarted",
    "TicketAssigned",
    "TicketCancelled",
    "TicketData",
    "TicketExempted",
    "TicketMerged",
    "TicketOpened",
    "TicketPaused",
    "TicketReclassified",
    "TicketRefused",
    "TicketReopened",
    "TicketResolved",
    "TicketResponded",
    "TicketResumed",
    "TicketScheduled",
    "TicketSummary",
    "Undecodable",
    "check_arrival",
    "content_hash",
    "content_of",
    "decode",
    "decode_json",
    "encode",
    "event_id",
    "loads",
    "new_event",
    "parse_json",
    "received_at_of",
    "type_name",
]

_DATA: tuple[type[BaseModel], ...] = (
    BackupVerified,
    BackupOverdue,
    BackupIncomplete,
    BackupCorrupt,
    BackupSuspicious,
    BackupDirectoryUnreachable,
    BackupUnverified,
    BackupRecovered,
    BackupRestored,
    NoticePlanned,
    NoticeReleased,
    NoticeSent,
    NoticeDelivered,
    NoticeFailed,
    NoticeUnknown,
    NoticeSuppressed,
    NoticeAcknowledged,
    NoticeEscalated,
    NoticeExhausted,
    NoticeBounced,
    SlaStarted,
    SlaWarning,
    SlaBreached,
    SlaMet,
    SlaClosedLate,
    SlaPaused,
    SlaResumed,
    SlaRescheduled,
    SlaCancelled,
    SlaExempted,
    SlaRevised,
    TicketOpened,
    TicketAssigned,
    TicketResponded,
    TicketActionStarted,
    TicketPaused,
    TicketResumed,
    TicketReclassified,
    TicketScheduled,
    TicketResolved,
    TicketReopened,
    TicketCancelled,
    TicketMerged,
    TicketExempted,
    TicketRefused,
)


def type_name(data: BaseModel | type[BaseModel]) -> str:
    """Return the CloudEvents type of a data model: ``ticket.action_started`` of ``TicketActionStarted``."""
    name = data.__name__ if isinstance(data, type) else type(data).__name__
    family, rest = re.findall(r"^[A-Z][a-z]+|.+$", name)
    return f"{family.lower()}.{re.sub(r'(?<!^)(?=[A-Z])', '_', rest).lower()}"


MODELS: Mapping[str, type[Event[Any]]] = {type_name(model): Event[model] for model in _DATA}  # type: ignore[valid-type]  # built from a tuple
_TYPE_OF: Mapping[type[BaseModel], str] = {model: type_name(model) for model in _DATA}


def new_event(
    data: BaseModel,
    *,
    id: str,  # noqa: A002  # CloudEvents' own word
    source: str,
    subject: str,
    time: datetime,
    traceparent: str | None = None,  # CloudEvents' own word
) -> Event[Any]:
    """Return a valid event of ``data``'s type; ``time`` is when it happened (aware)."""
    name = _TYPE_OF[type(data)]
    return MODELS[name](id=id, source=source, subject=subject, time=time, traceparent=traceparent, type=name, data=data)


def decode(value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> Event[Any]:
    """Return the event of one record in structured or binary mode, or raise ``Undecodable`` that names the field."""
    return decode_json(parse_json(value, headers))


def decode_json(raw: Mapping[str, Any]) -> Event[Any]:
    """Return the event of a parsed object, or raise ``Undecodable`` with reason ``unknown_type`` or ``invalid``.

    For ticket and SLA events ``subject`` must equal ``data.ticket_id``: it is the Kafka key, hence the order.
    """
    name = raw.get("type")
    model = MODELS.get(name) if isinstance(name, str) else None
    if model is None or not isinstance(name, str):
        raise Undecodable("unknown_type", "type", "not a type of this contract")
    try:
        event = model.model_validate(raw)
    except ValidationError as error:
        raise Undecodable("invalid", *_first_error(error)) from None
    if getattr(event.data, "ticket_id", event.subject) != event.subject and not name.startswith("notice."):
        raise Undecodable("invalid", "subject", "must equal data.ticket_id")
    return event
