"""Slack by an incoming webhook: text for the notification, blocks for the eye. Slack gives no id and answers in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from services.notifier.domain.cause import Cause
from services.notifier.domain.message import Outcome, Outgoing, Result, Word
from services.notifier.transports.http import Answer, Endpoint, by_status
from services.notifier.transports.labels import button, shown

_TEXT_LENGTH, _FIELD_LENGTH, _FIELDS = 3000, 2000, 10  # of Block Kit
_QUIET = (Word.ACKNOWLEDGED, Word.ALL_CLEAR)
_WORDS: Mapping[str, Cause] = {
    **dict.fromkeys(("invalid_payload", "no_text", "too_many_attachments", "invalid_blocks"), Cause.CONTENT_REFUSED),
    **dict.fromkeys(
        (
            *("no_service", "no_service_id", "no_active_hooks", "channel_not_found", "channel_is_archived"),
            *("user_not_found", "no_team", "team_disabled"),
        ),
        Cause.GONE,
    ),
    **dict.fromkeys(("invalid_token", "action_prohibited", "posting_to_general_channel_denied"), Cause.REFUSED),
}


@dataclass(frozen=True, slots=True)
class Slack:
    """Posts to one channel of Slack."""

    endpoint: Endpoint

    async def send(self, message: Outgoing) -> Result:
        """Try once."""
        answer = await self.endpoint.post(orjson.dumps(payload(message)), {"Content-Type": "application/json"})
        return answer if isinstance(answer, Result) else _result(answer)


def payload(message: Outgoing) -> Mapping[str, Any]:
    """Return the message: what people wrote is escaped, so that it mentions nobody and links nowhere."""
    title = _escaped(message.content.subject, _TEXT_LENGTH - 2)
    blocks: list[Mapping[str, Any]] = [{"type": "section", "text": {"type": "mrkdwn", "text": f"*{title}*"}}]
    fields = [
        {"type": "mrkdwn", "text": f"*{label}*\n{_escaped(value, _FIELD_LENGTH - 50)}"}
        for label, value in shown(message.facts, message.language)
    ]
    if fields:
        blocks.append({"type": "section", "fields": fields[:_FIELDS]})
    if message.link and message.word not in _QUIET:
        text = {"type": "plain_text", "text": button(message.language)}
        blocks.append(
            {"type": "actions", "elements": [{"type": "button", "text": text, "url": message.link, "style": "primary"}]}
        )
    return {"text": title, "blocks": blocks}


def _escaped(text: str, length: int) -> str:
    escaped = ""
    for char in text:  # never half an entity
        piece = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}.get(char, char)
        if len(escaped) + len(piece) > length:
            break
        escaped += piece
    return escaped


def _result(answer: Answer) -> Result:
    """``ok`` is accepted; a word of Slack's list is for good, whatever the status; ``rollup_error`` is its own fault."""
    word = answer.body.decode("utf-8", "replace").strip().lower().replace(" ", "_")
    if answer.status == 200 and word == "ok":
        return Result(Outcome.ACCEPTED)
    if word in _WORDS:
        return Result(Outcome.FAILED_PERMANENT, _WORDS[word])
    if word == "rollup_error":
        return Result(Outcome.FAILED_TEMPORARY, Cause.REMOTE_ERROR)
    found = by_status(answer, remote_error=Outcome.UNKNOWN)
    if found.outcome is not Outcome.ACCEPTED:
        return found
    # a lost body says nothing; any other text with a 200 is a refusal that we do not know
    return Result(Outcome.FAILED_PERMANENT if word else Outcome.UNKNOWN, Cause.UNEXPECTED_ANSWER)
