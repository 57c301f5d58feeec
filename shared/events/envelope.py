"""CloudEvents 1.0: the envelope, its structured and binary modes, identity and ids.

Source of the rules: CloudEvents 1.0 core, its JSON format and its Kafka binding; the public contract for the rest.
"""

import hashlib
import uuid
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Generic, NamedTuple, TypeVar

import orjson
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from shared.errors import Permanent

NAMESPACE = uuid.UUID("6f5b3f0e-6a53-5c0e-9c0e-6d0c5b1d7a10")
_NAMESPACE = NAMESPACE.bytes
_VARIANT = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}
CONTENT_TYPE = "application/cloudevents+json"
_UNHASHED = frozenset({"receivedat", "traceparent", "tracestate"})

_DEPTH = 200  # levels; what is nested deeper can be parsed, but not written again
_FIRST, _END = datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)

D = TypeVar("D", bound=BaseModel)


class Undecodable(Permanent):
    """A record is not an event of the contract: ``reason`` is a closed word, ``field`` names what is wrong."""

    def __init__(self, reason: str, field: str, detail: str) -> None:
        super().__init__(f"{reason}: {field}: {detail}")
        self.reason = reason
        self.field = field
        self.detail = detail


class Data(BaseModel):
    """Base of the data of every type: frozen, unknown extra fields are kept and ignored."""

    model_config = ConfigDict(frozen=True, extra="allow", populate_by_name=True)


class Event(BaseModel, Generic[D]):
    """One CloudEvent. ``source`` + ``id`` are its identity, ``time`` is when it happened (aware)."""

    model_config = ConfigDict(frozen=True, extra="allow")

    specversion: str = Field("1.0", pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=200)
    source: str = Field(min_length=1, max_length=200)
    type: str
    subject: str = Field(min_length=1, max_length=200)
    time: AwareDatetime
    datacontenttype: str = "application/json"
    traceparent: str | None = None
    data: D


class Outgoing(NamedTuple):
    """An event as it will be published: its subject, which is its key, and its structured-mode JSON."""

    subject: str
    body: bytes
    traceparent: str | None


def event_id(*parts: str | int | None) -> str:
    """Return the deterministic id of ``parts``: uuid5 of their compact JSON list, so a crash repeats the same id."""
    text = hashlib.sha1(_NAMESPACE + orjson.dumps(parts), usedforsecurity=False).hexdigest()  # RFC 9562, 5.5
    return f"{text[:8]}-{text[8:12]}-5{text[13:16]}-{_VARIANT[text[16]]}{text[17:20]}-{text[20:32]}"


def encode(event: Event[Any]) -> bytes:
    """Return the structured-mode JSON of ``event``; optional fields that were never given stay absent."""
    body = event.model_dump(mode="json", by_alias=True, exclude={"data"})
    body["data"] = event.data.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if body.get("traceparent") is None:
        body.pop("traceparent", None)
    return orjson.dumps(body)


def content_of(raw: Mapping[str, Any]) -> bytes:
    """Return the compact sorted JSON of a parsed event without ``receivedat`` and trace extensions.

    Two records of one ``source`` and ``id`` are the same event exactly when these bytes are equal.
    """
    kept = {name: value for name, value in raw.items() if name not in _UNHASHED}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def content_hash(raw: Mapping[str, Any]) -> bytes:
    """Return the SHA-256 of the event's content: 32 bytes."""
    return hashlib.sha256(content_of(raw)).digest()


def first_error(error: ValidationError) -> tuple[str, str]:
    """Return (path, message) of the first thing that pydantic found wrong; the value itself is never repeated."""
    found = error.errors(include_url=False, include_input=False, include_context=False)[0]
    return ".".join(str(part) for part in found["loc"]) or "event", found["msg"]


def parse_json(value: bytes | None, headers: Iterable[tuple[str, bytes]] = ()) -> Mapping[str, Any]:
    """Return the structured form of a record of either mode (CloudEvents Kafka binding 1.0, section 3)."""
    if not value:
        raise Undecodable("empty", "event", "the record has no value")
    attributes = _binary_attributes(headers)
    parsed = loads(value)
    if not isinstance(parsed, dict):
        raise Undecodable("not_json", "event", "the value is not a JSON object")
    return {**attributes, "data": parsed} if attributes else parsed


def loads(value: bytes) -> Any:
    """Return parsed JSON, or raise ``Undecodable``: also for what is nested too deep ever to be written again."""
    try:
        parsed = orjson.loads(value)
    except orjson.JSONDecodeError as error:
        raise Undecodable("not_json", "event", str(error)) from None
    if value.count(b"{") + value.count(b"[") > _DEPTH and _is_deep(parsed):
        raise Undecodable("too_deep", "event", f"is nested in more than {_DEPTH} levels")
    return parsed


def _is_deep(parsed: Any) -> bool:
    level = [parsed]
    for _ in range(_DEPTH):
        level = [
            v for one in level for v in (one.values() if isinstance(one, dict) else one) if isinstance(v, (dict, list))
        ]
        if not level:
            return False
    return True


def _binary_attributes(headers: Iterable[tuple[str, bytes]]) -> dict[str, str]:
    """Return the ``ce_*`` headers as attributes; empty when the record is not in binary mode."""
    try:
        found = {name[3:]: (raw or b"").decode() for name, raw in headers if name.startswith("ce_")}
    except UnicodeDecodeError:
        raise Undecodable("not_utf8", "headers", "a ce_ header is not UTF-8") from None
    return found if "specversion" in found else {}


INSTANT = "must be an RFC 3339 instant with its offset"
YEARS = "must lie in the years 1970 to 2099 (UTC)"


def is_instant(value: object) -> bool:
    """Tell whether a JSON value has the look of an instant: a text that begins with a year, and no number."""
    return isinstance(value, str) and value[4:5] == "-"


def is_of_our_time(at: datetime) -> bool:
    """Tell whether an instant lies in the years that events may have."""
    return _FIRST <= at < _END


def received_at_of(event: Event[Any]) -> datetime | None:
    """Return the extension ``receivedat`` of an exported event (aware), or None; raises ``Undecodable`` for another word."""
    raw = (event.model_extra or {}).get("receivedat")
    if raw is None:
        return None
    try:
        at = datetime.fromisoformat(raw)
    except (TypeError, ValueError):
        raise Undecodable("invalid", "receivedat", "must be an RFC 3339 instant") from None
    if at.tzinfo is None:
        raise Undecodable("invalid", "receivedat", "must have an offset")
    if not is_of_our_time(at):
        raise Undecodable("invalid", "receivedat", YEARS)
    return at


_BOOLEANS = ("automatic", "emergency", "responded", "contact_registered", "remote_access", "sender_verified")


def check_arrival(raw: Mapping[str, Any], event: Event[Any]) -> None:
    """Raise ``Undecodable`` for what a new event may not be, though what was taken in before stays readable for ever:
    instants that are numbers or beyond the calendars, words instead of booleans."""
    time = raw.get("time")
    if not is_instant(time):
        raise Undecodable("invalid", "time", INSTANT)
    if not is_of_our_time(event.time):
        raise Undecodable("invalid", "time", YEARS)
    if event.type == "ticket.scheduled":
        for name in ("starts_at", "ends_at"):
            at = getattr(event.data, name)
            if at is not None and not (isinstance(raw["data"][name], str) and is_of_our_time(at)):
                raise Undecodable("invalid", f"data.{name}", YEARS)
    data = raw["data"]
    for name in _BOOLEANS:
        if name in data and not isinstance(data[name], (bool, type(None))):
            raise Undecodable("invalid", f"data.{name}", "must be true or false")
