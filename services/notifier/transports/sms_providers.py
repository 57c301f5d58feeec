"""What two providers of SMS ask for and answer: Twilio (Messages, 2010-04-01) and Zenvia (v2)."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import urlencode

import orjson

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Result
from services.notifier.transports.http import Answer, by_status

_ID_LENGTH = 100
_TEMPORARY, _PERMANENT = Outcome.FAILED_TEMPORARY, Outcome.FAILED_PERMANENT

TWILIO_ERRORS: Mapping[int, tuple[Outcome, Cause]] = {
    14107: (_TEMPORARY, Cause.RATE_LIMITED),
    20003: (_PERMANENT, Cause.CREDENTIALS_REFUSED),
    20404: (_PERMANENT, Cause.GONE),
    20429: (_TEMPORARY, Cause.RATE_LIMITED),
    20500: (_TEMPORARY, Cause.REMOTE_ERROR),
    20503: (_TEMPORARY, Cause.REMOTE_BUSY),
    21211: (_PERMANENT, Cause.BAD_ADDRESS),  # no valid number
    21408: (_PERMANENT, Cause.REFUSED),  # the region is not enabled in the account
    21606: (_PERMANENT, Cause.REFUSED),  # the sender is not ours
    21610: (_PERMANENT, Cause.OPTED_OUT),
    21611: (_TEMPORARY, Cause.RATE_LIMITED),  # the sender's queue is full
    21612: (_PERMANENT, Cause.UNDELIVERABLE),
    21614: (_PERMANENT, Cause.UNDELIVERABLE),  # no mobile number
    21617: (_PERMANENT, Cause.CONTENT_REFUSED),
    30001: (_TEMPORARY, Cause.RATE_LIMITED),
    30002: (_PERMANENT, Cause.ACCOUNT_SUSPENDED),
    30003: (_TEMPORARY, Cause.HANDSET_UNREACHABLE),
    30004: (_PERMANENT, Cause.OPTED_OUT),  # blocked
    30005: (_PERMANENT, Cause.UNDELIVERABLE),  # unknown number
    30006: (_PERMANENT, Cause.UNDELIVERABLE),  # landline, or a carrier out of reach
    30007: (_PERMANENT, Cause.FILTERED),
    30008: (_TEMPORARY, Cause.REMOTE_ERROR),
}
"""Twilio's codes, in answers and in reports of delivery alike; any other is for good."""

_TWILIO_WAY = frozenset(("accepted", "scheduled", "queued", "sending", "sent"))
_ZENVIA_WAY = frozenset(("SENT", "QUEUED"))


class Provider(Protocol):
    """How one provider is asked, and what its answer says."""

    def request(self, to: str, text: str) -> tuple[bytes, Mapping[str, str]]:
        """Return body and headers of a message; ``to`` is E.164 with its plus."""
        ...

    def result(self, answer: Answer) -> Result:
        """Return what an answer says."""
        ...


@dataclass(frozen=True, slots=True)
class Twilio:
    """Form in, JSON out, basic authentication. ``sender``: number, name, or messaging service (``MG`` and 32 characters)."""

    user: str
    token: str
    sender: str
    status_callback: str | None = None

    def request(self, to: str, text: str) -> tuple[bytes, Mapping[str, str]]:
        """Return the form of a message."""
        service = len(self.sender) == 34 and self.sender.startswith("MG")
        form = {"To": to, "MessagingServiceSid" if service else "From": self.sender, "Body": text}
        if self.status_callback is not None:
            form["StatusCallback"] = self.status_callback
        proof = base64.b64encode(f"{self.user}:{self.token}".encode()).decode("ascii")
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Authorization": f"Basic {proof}"}
        return urlencode(form).encode("ascii"), headers

    def result(self, answer: Answer) -> Result:
        """201 with a ``sid`` is accepted, unless it carries an error. Only a 5xx that is Twilio's own says not taken."""
        said = answer.json
        error = said.get("error_code") if answer.status == 201 else said.get("code")
        if isinstance(error, int):
            outcome, cause = TWILIO_ERRORS.get(error, (None, None))
            if outcome is not None:
                return Result(outcome, cause, retry_in=answer.retry_in)
            if answer.status < 300:
                return Result(_PERMANENT, Cause.REFUSED)
        return _accepted(answer, said.get("sid"), failed=said.get("status") in ("failed", "undelivered"))


@dataclass(frozen=True, slots=True)
class Zenvia:
    """JSON in and out, ``X-API-TOKEN``. Numbers go without their plus."""

    token: str
    sender: str

    def request(self, to: str, text: str) -> tuple[bytes, Mapping[str, str]]:
        """Return the document of a message."""
        body = {"from": self.sender, "to": to.removeprefix("+"), "contents": [{"type": "text", "text": text}]}
        return orjson.dumps(body), {"Content-Type": "application/json", "X-API-TOKEN": self.token}

    def result(self, answer: Answer) -> Result:
        """200 with an ``id`` is accepted; an answer with ``code`` is an error, whatever its status."""
        said = answer.json
        failed = isinstance(said.get("code"), str)
        if answer.status == 500 and failed:
            return Result(_TEMPORARY, Cause.REMOTE_ERROR)
        return _accepted(answer, said.get("id"), failed=failed)


def _accepted(answer: Answer, identity: object, *, failed: bool) -> Result:
    found = by_status(answer, remote_error=Outcome.UNKNOWN)
    if found.outcome is not Outcome.ACCEPTED:
        return found
    if failed:
        return Result(_PERMANENT, Cause.REFUSED)
    if not isinstance(identity, str) or not identity.isascii() or not 0 < len(identity) <= _ID_LENGTH:
        return Result(Outcome.UNKNOWN, Cause.UNEXPECTED_ANSWER)
    return Result(Outcome.ACCEPTED, provider_id=identity)


Report = tuple[str, Outcome, Cause | None]
"""Provider's id of the message, what became of it, why."""


def delivery_report(provider: str, form: Mapping[str, object]) -> Report | None:
    """Return what a provider's call-back says: Twilio's form, or Zenvia's JSON document as it was posted.

    ``accepted`` is a step on the way. None for anything that is no report of delivery of this provider.
    """
    return _twilio_report(form) if provider == "twilio" else _zenvia_report(form) if provider == "zenvia" else None


def _twilio_report(form: Mapping[str, object]) -> Report | None:
    identity, status = form.get("MessageSid"), form.get("MessageStatus")
    if not isinstance(identity, str) or not 0 < len(identity) <= _ID_LENGTH:
        return None
    if status in ("delivered", "read"):
        return identity, Outcome.DELIVERED, None
    if status in ("failed", "undelivered"):
        code = str(form.get("ErrorCode", ""))
        known = TWILIO_ERRORS.get(int(code)) if code.isascii() and code.isdigit() and len(code) <= 6 else None
        outcome, cause = known or (_PERMANENT, Cause.UNDELIVERABLE)
        return identity, outcome, cause
    return (identity, Outcome.ACCEPTED, None) if isinstance(status, str) and status in _TWILIO_WAY else None


def _zenvia_report(form: Mapping[str, object]) -> Report | None:
    identity, status = form.get("messageId"), form.get("messageStatus")
    if form.get("type") != "MESSAGE_STATUS" or not isinstance(status, Mapping):
        return None
    if not isinstance(identity, str) or not 0 < len(identity) <= _ID_LENGTH:
        return None
    match status.get("code"):
        case "DELIVERED" | "READ":
            return identity, Outcome.DELIVERED, None
        case "REJECTED":
            return identity, _PERMANENT, Cause.REFUSED
        case "NOT_DELIVERED":
            return identity, _PERMANENT, Cause.UNDELIVERABLE
        case str(code) if code in _ZENVIA_WAY:
            return identity, Outcome.ACCEPTED, None
    return None
