"""The front doors of the running product, for stories: mail, telephone, HTTP, the topic, the desk; and what came out."""

import hashlib
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from email.message import Message
from typing import Any, NamedTuple

import httpx
import yaml

from deploy.local.policy.desk import Person
from deploy.local.policy.topics import Topics, until
from deploy.local.publish import publish
from deploy.local.secret import made_once
from deploy.local.stack import Stack
from deploy.local.story import Missing, messages, send_mail, text_of
from shared import clock
from shared.events import Event

PBX, PBX_KEY_FILE = "policy", "policy_pbx_key"
RING = timedelta(seconds=60)
SECONDS = 40.0
"""How long one thing is waited for."""


class Contacted(NamedTuple):
    """A mail that became a ticket, and the text of the automatic answer to it."""

    opened: Event[Any]
    answer: str


@dataclass(frozen=True, slots=True)
class Stage:
    """The stack while the stories play. ``closed_on``: the day that its catalog declares closed, the one of the run, so
    that every mail comes outside business hours; ``mails``: how large a flood is."""

    stack: Stack
    topics: Topics
    person: Person
    closed_on: date
    mails: int

    def said(self) -> Mapping[str, Any]:
        """Return what ``desk.yaml`` says that automatic answers say."""
        text = (self.stack.var / "config" / "desk.yaml").read_text(encoding="utf-8")
        answers: Mapping[str, Any] = yaml.safe_load(text)["auto_reply"]
        return answers

    async def contact(self, sender: str, subject: str, text: str) -> Contacted:
        """Send a mail; return its ticket and the automatic answer to it. ``subject`` is this mail's alone."""
        await send_mail(self.stack, subject, sender=sender, text=text)
        opened = await until(
            lambda: next((e for e in self.topics.openings if e.data.title == subject), None),
            SECONDS,
            f"intake: no ticket of the mail {subject!r}",
        )
        answer = await until(
            lambda: next((m for m in messages(self.stack) if _answers(m, opened.subject, sender)), None),
            SECONDS,
            f"intake: no automatic answer to the mail {subject!r}",
        )
        return Contacted(opened, " ".join(text_of(answer).split()))

    async def clock(self, ticket_id: str, metric: str, kind: str) -> Event[Any]:
        """Return the event ``sla.<kind>`` of a clock; raises ``Missing`` when there is none."""
        return await self.happened(ticket_id, f"sla.{kind}", metric)

    async def happened(self, subject: str, type_: str, metric: str | None = None) -> Event[Any]:
        """Return the first event of a type about a subject, on whatever topic; raises ``Missing`` when there is none."""
        what = f"no {type_} {f'of the {metric} clock ' if metric else ''}of {subject}"
        return await until(lambda: next(self.topics.of(subject, type_, metric), None), SECONDS, what)

    async def press(self, ticket_id: str, act: str, **form: str) -> Event[Any]:
        """Let the person press a button of the ticket's page; return the event that it became."""
        await self.person.press(ticket_id, act, **form)
        return await self.happened(ticket_id, f"ticket.{act}")

    async def missed_call(self, number: str, entered_at: datetime) -> Event[Any]:
        """Let the exchange tell of a call that nobody answered; return the ticket that it opened."""
        call_id = f"{entered_at:%Y%m%d%H%M%S}"
        await self._tell("call.started", call_id, entered_at, number=number)
        await self._tell("call.ended", call_id, entered_at + RING, cause="timeout")
        return await until(
            lambda: next((e for e in self.topics.openings if e.data.channel == "phone" and e.time == entered_at), None),
            SECONDS,
            f"intake: no ticket of the call of {entered_at:%Y-%m-%d %H:%M:%S}",
        )

    async def _tell(self, type_: str, call_id: str, at: datetime, **said: str) -> None:
        word = {"type": type_, "pbx": PBX, "call_id": call_id, "at": at.isoformat(), **said}
        body, stamp = json.dumps(word).encode(), f"{int(clock.now().timestamp())}"
        key = made_once(self.stack.var / "secrets" / PBX_KEY_FILE).encode()
        proof = hmac.digest(key, stamp.encode() + b"." + body, hashlib.sha256).hex()
        headers = {"Prazo-Timestamp": stamp, "Prazo-Signature": f"v1={proof}"}
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            answer = await client.post(f"{self.stack.http['intake']}/v1/calls", content=body, headers=headers)
        if answer.status_code != 202:
            raise Missing(f"intake: POST /v1/calls answered {answer.status_code}: {answer.text[:200]}")

    def opening(self, id_: str, ticket_id: str, **data: object) -> dict[str, Any]:
        """Return a ``ticket.opened`` of another system, dated now."""
        return {
            "specversion": "1.0",
            "id": id_,
            "source": "demo/policy",
            "type": "ticket.opened",
            "subject": ticket_id,
            "time": clock.now().isoformat(),
            "data": {"ticket_id": ticket_id, "service": "triage", "title": "Olá", **data},
        }

    async def post(self, event: Mapping[str, Any]) -> httpx.Response:
        """Return the answer of ``POST /v1/events``."""
        headers = {"Authorization": f"Bearer {self.stack.token}", "Content-Type": "application/cloudevents+json"}
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            return await client.post(f"{self.stack.http['intake']}/v1/events", json=event, headers=headers)

    async def publish(self, event: Mapping[str, Any]) -> None:
        """Publish on ``tickets.v1``, as a system with a Kafka client does."""
        await publish(self.stack.kafka.bootstrap if self.stack.kafka else "", json.dumps(event).encode())

    async def metric(self, service: str, series: str) -> float:
        """Return the value of a series, named as it is exported; raises ``Missing`` when there is none."""
        async with httpx.AsyncClient(timeout=SECONDS) as client:
            text = (await client.get(f"{self.stack.http[service]}/metrics")).text
        for line in text.splitlines():
            name, _, value = line.rpartition(" ")
            if name == series:
                return float(value)
        raise Missing(f"{service}: no metric {series}")


def _answers(message: Message, ticket_id: str, sender: str) -> bool:
    wanted = (ticket_id, "auto-replied", sender)
    return (message["Prazo-Ticket"], message["Auto-Submitted"], message["X-Rcpt-To"]) == wanted


def need(holds: bool, missing: str) -> None:
    """Raise ``Missing`` unless what the rule asks was seen."""
    if not holds:
        raise Missing(missing)
