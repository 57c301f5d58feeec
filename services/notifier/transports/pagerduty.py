"""PagerDuty Events API v2: each telling of an alert, by its loudness, is one incident, so a breach rings again after its warning."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result, Word
from services.notifier.transports.http import Answer, Endpoint, by_status
from services.notifier.transports.labels import button

_SUMMARY_LENGTH, _KEY_LENGTH = 1024, 255  # of the API
_ACTIONS = {Word.ACKNOWLEDGED: "acknowledge", Word.ALL_CLEAR: "resolve"}
_SEVERITIES = {Word.BREACHED: "critical", Word.FINDING: "error", Word.WARNING: "warning"}


@dataclass(frozen=True, slots=True)
class PagerDuty:
    """Sends events of one integration. PagerDuty drops a repetition by its key, so that all is safe to send again."""

    endpoint: Endpoint
    routing_key: str

    async def send(self, message: Outgoing) -> Result:
        """Try once; ``provider_id`` is the dedup key."""
        body = orjson.dumps(event(message, self.routing_key))
        answer = await self.endpoint.post(body, {"Content-Type": "application/json"})
        return answer if isinstance(answer, Result) else _result(answer, dedup_key(message.thread))


def dedup_key(thread: str) -> str:
    """Return the incident's key: the thread, or its digest where PagerDuty takes no more than 255 characters."""
    return thread if len(thread) <= _KEY_LENGTH else hashlib.sha256(thread.encode()).hexdigest()


def event(message: Outgoing, routing_key: str) -> Mapping[str, Any]:
    """Return the event of a message; acknowledge and resolve carry no payload, only the key."""
    action = _ACTIONS.get(message.word, "trigger")
    head = {"routing_key": routing_key, "event_action": action, "dedup_key": dedup_key(message.thread)}
    if action != "trigger":
        return head
    facts = dict(message.facts)
    known = {"component": facts.get("service"), "group": facts.get("client"), "class": facts.get("metric")}
    payload = {
        "summary": (message.content.subject or message.word.value)[:_SUMMARY_LENGTH],
        "source": facts.get("ticket_id") or "prazo",
        "severity": _SEVERITIES.get(message.word, "info"),
        "custom_details": facts,
        **{key: value for key, value in known.items() if value},
    }
    link = {"client_url": message.link, "links": [{"href": message.link, "text": button(message.language)}]}
    return {**head, "payload": payload, "client": "Prazo", **(link if message.link else {})}


def _result(answer: Answer, key: str) -> Result:
    """202 is accepted; by its documentation 429 and every 5xx are to be sent again, and 400 never."""
    if answer.status == 202:
        wrong = answer.json.get("status", "success") != "success"
        return Result(Outcome.FAILED_PERMANENT, Cause.REFUSED) if wrong else Result(Outcome.ACCEPTED, provider_id=key)
    if answer.status >= 500:
        return Result(Outcome.FAILED_TEMPORARY, Cause.REMOTE_ERROR, retry_in=answer.retry_in)
    found = by_status(answer)
    return Result(Outcome.UNKNOWN, Cause.UNEXPECTED_ANSWER) if found.outcome is Outcome.ACCEPTED else found
