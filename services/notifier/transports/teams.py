"""Microsoft Teams by the webhook of a workflow (Power Automate): a message with an Adaptive Card.

202 says that the workflow runs; whether it shows the card nobody is told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result, Word
from services.notifier.transports.http import Answer, Endpoint, by_status
from services.notifier.transports.labels import button, shown

_TEXT_LENGTH = 1000  # a message is at most 28 KB
_QUIET = (Word.ACKNOWLEDGED, Word.ALL_CLEAR)
_COLOURS = {Word.BREACHED: "Attention", Word.FINDING: "Attention", Word.WARNING: "Warning", Word.ALL_CLEAR: "Good"}
_CODES: Mapping[str, Cause] = {
    **dict.fromkeys(("WorkflowNotFound", "WorkflowTriggerIsNotEnabled", "WorkflowDisabled"), Cause.GONE),
    **dict.fromkeys(("TriggerInputSchemaMismatch", "InvalidRequestContent"), Cause.CONTENT_REFUSED),
    **dict.fromkeys(("DirectApiAuthorizationRequired", "AuthorizationFailed"), Cause.CREDENTIALS_REFUSED),
}


@dataclass(frozen=True, slots=True)
class Teams:
    """Posts to one workflow."""

    endpoint: Endpoint

    async def send(self, message: Outgoing) -> Result:
        """Try once."""
        answer = await self.endpoint.post(orjson.dumps(payload(message)), {"Content-Type": "application/json"})
        return answer if isinstance(answer, Result) else _result(answer)


def payload(message: Outgoing) -> Mapping[str, Any]:
    """Return the message with its card (schema 1.4); what people wrote makes no link."""
    title = {
        "type": "TextBlock",
        "text": _defused(message.content.subject),
        "weight": "Bolder",
        "wrap": True,
        "color": _COLOURS.get(message.word, "Default"),
    }
    facts = [{"title": k, "value": _defused(v)} for k, v in shown(message.facts, message.language)]
    actions = [{"type": "Action.OpenUrl", "title": button(message.language), "url": message.link}]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [title, *([{"type": "FactSet", "facts": facts}] if facts else [])],
        **({"actions": actions} if message.link and message.word not in _QUIET else {}),
    }
    attachment = {"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": None, "content": card}
    return {"type": "message", "attachments": [attachment]}


def _defused(text: str) -> str:
    return text[:_TEXT_LENGTH].replace("](", "] (")  # no link but ours


def _result(answer: Answer) -> Result:
    """202 is accepted. An error's own code counts more than its status; an old connector hides one in a 200."""
    error = answer.json.get("error")
    code = error.get("code") if isinstance(error, dict) else None
    if isinstance(code, str) and code in _CODES:
        return Result(Outcome.FAILED_PERMANENT, _CODES[code])
    found = by_status(answer, remote_error=Outcome.UNKNOWN)
    if found.outcome is not Outcome.ACCEPTED:
        return found
    if b"HTTP error 429" in answer.body:
        return Result(Outcome.FAILED_TEMPORARY, Cause.RATE_LIMITED, retry_in=answer.retry_in)
    wrong = error is not None or b"error" in answer.body[:200].lower()
    return Result(Outcome.FAILED_PERMANENT, Cause.REFUSED) if wrong else Result(Outcome.ACCEPTED)
