"""The loop that tells people: claim with a second look, commit, send, record the result fenced by its attempt."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import structlog

from services.notifier import metrics, store
from services.notifier.content import LINK, page_mail, plain_mail
from services.notifier.domain.escalation import Word
from services.notifier.domain.token import ACKNOWLEDGE, token
from services.notifier.handlers import Notifier
from services.notifier.notices import notice
from services.notifier.store import Content, Delivery, Result
from services.notifier.transports.smtp import Mail, SmtpTransport, again
from shared import outbox
from shared.events import (
    Event,
    NoticeEscalated,
    NoticeExhausted,
    NoticeFailed,
    NoticeSent,
    NoticeSuppressed,
    NoticeUnknown,
)

log = structlog.get_logger(__name__)

AT_ONCE = 20
LEASE = timedelta(seconds=60)
_NOTICES = {
    "accepted": NoticeSent,
    "failed_temporary": NoticeFailed,
    "failed_permanent": NoticeFailed,
    "unknown": NoticeUnknown,
}


@dataclass(frozen=True, slots=True)
class Sender:
    """Sends what is due; any number of replicas may run one."""

    notifier: Notifier
    transport: SmtpTransport
    key: bytes
    public_url: str

    async def turn(self) -> bool:
        """Tell those who are due; True when there may be more."""
        claimed = await self._claim()
        telling = (self._tell(delivery) for delivery in claimed if delivery.reason is None)
        for error in await asyncio.gather(*telling, return_exceptions=True):
            if isinstance(error, BaseException):  # its lease ends, and it is tried again
                log.warning("page_not_settled", error=type(error).__name__)
        metrics.oldest_due_seconds.set(await store.queries.oldest_due_seconds(self.notifier.pool))
        return len(claimed) == AT_ONCE

    async def _claim(self) -> Sequence[Delivery]:
        """Claim, render what is claimed for the first time, and record what is no longer wanted; commits before any I/O."""
        async with self.notifier.pool.acquire() as connection, connection.transaction():
            claimed, notices = [], list[Event[Any]]()
            for delivery in await store.claim(connection, AT_ONCE, LEASE):
                notices += _second_look(delivery)
                if delivery.word is Word.EXHAUSTED and delivery.reason is None:
                    await store.settle(connection, delivery, Result("accepted"))
                    metrics.exhausted.inc()
                    continue
                claimed.append(await self._rendered(connection, delivery))
            if notices:
                await outbox.record(connection, self.notifier.notices_topic, notices)
            return claimed

    async def _rendered(self, connection: Any, delivery: Delivery) -> Delivery:
        if delivery.reason is not None or delivery.content is not None or delivery.person is None:
            return delivery
        oncall = self.notifier.oncall
        person = oncall.people.get(delivery.person)
        if person is None:
            return delivery  # left the configuration since: told as a permanent failure
        after = oncall.people.get(await store.queries.next_person(connection, delivery_id=delivery.delivery_id) or "")
        try:
            content = page_mail(delivery, person, None if after is None else after.name)
        except Exception as error:  # noqa: BLE001  # the edge: counted; a broken template loses no page
            metrics.broken_templates.inc()
            log.error("template_broken", error=type(error).__name__)
            content = plain_mail(delivery)
        await store.keep_content(connection, delivery.delivery_id, content)
        return replace(delivery, content=content)

    async def _tell(self, delivery: Delivery) -> None:
        person = self.notifier.oncall.people.get(delivery.person or "")
        if delivery.content is None or delivery.person is None or person is None:
            await self._settle(delivery, Result("failed_permanent", "person_unknown"))
            return
        proof = token(self.key, delivery.delivery_id, delivery.person, ACKNOWLEDGE)
        link = f"{self.public_url.rstrip('/')}/a/{delivery.delivery_id}/{proof}"
        content = Content(
            delivery.content.subject,
            delivery.content.plain.replace(LINK, link),
            delivery.content.html.replace(LINK, link),
        )
        try:
            result = await self.transport.send(Mail(person.email, content, delivery, delivery.now))
        except Exception as error:  # noqa: BLE001  # the edge: told as what it is, tried again, never left in the act
            log.error("transport_broken", error=type(error).__name__)
            result = again("unknown", type(error).__name__, delivery)
        await self._settle(delivery, result)

    async def _settle(self, delivery: Delivery, result: Result) -> None:
        async with self.notifier.pool.acquire() as connection, connection.transaction():
            if not await store.settle(connection, delivery, result):
                return  # the lease ended and another attempt holds it: that one will say
            event = notice(
                _NOTICES[result.outcome],
                delivery,
                delivery.attempt,
                reason=result.reason,
                provider_id=result.provider_id,
            )
            await outbox.record(connection, self.notifier.notices_topic, [event])
        metrics.deliveries.labels("email", result.outcome).inc()
        first = delivery.word is Word.BREACHED and delivery.step == 0
        if result.outcome == "accepted" and first and delivery.event is not None:
            metrics.to_accepted.observe((delivery.now - delivery.event.time).total_seconds())
        log.info("page_attempted", delivery_id=delivery.delivery_id, outcome=result.outcome, reason=result.reason)


def _second_look(delivery: Delivery) -> Sequence[Event[Any]]:
    """Return what the claim itself has to say: suppressed, escalated, exhausted, or an attempt whose outcome is unknown."""
    found: list[Event[Any]] = []
    if delivery.lost:
        metrics.deliveries.labels("email", "unknown").inc()
        found.append(notice(NoticeUnknown, delivery, delivery.attempt - 1, reason="lease_ended"))
    if delivery.reason is not None:
        metrics.deliveries.labels("email", "suppressed").inc()
        if delivery.person is not None:
            found.append(notice(NoticeSuppressed, delivery, 1, reason=delivery.reason))
    elif delivery.word is Word.EXHAUSTED:
        found.append(notice(NoticeExhausted, delivery, 1))
    elif delivery.word is Word.BREACHED and delivery.step > 0 and delivery.attempt == 1:
        found.append(notice(NoticeEscalated, delivery, 1))
    return found
