"""From a claimed notice to a message ready to go: composed once, kept without its proof, so that a repetition is the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import structlog

from services.notifier import metrics
from services.notifier.content import ASKS, LINK, SHOWN, View, built_in, compose
from services.notifier.domain.facts import facts_of
from services.notifier.domain.gsm7 import septets, to_gsm7
from services.notifier.domain.message import Content, Outgoing, Word
from services.notifier.domain.people import Method, Person
from services.notifier.domain.token import ACKNOWLEDGE, token
from services.notifier.handlers.duty import Duty
from services.notifier.store import queries
from services.notifier.store.alerts import event_of
from services.notifier.store.notices import Claimed, keep_contents
from services.notifier.story import Told, name_of, next_in_words, next_of, told_of, why_of
from services.notifier.wording import line
from shared.events import Event

log = structlog.get_logger(__name__)

_Place = tuple[int, int]  # (page_no, alert_id)


class Composer:
    """Composes what lanes send. ``key`` proves links, ``public_url`` is their base."""

    def __init__(self, duty: Duty, key: bytes, public_url: str) -> None:
        self._duty, self._key, self._url = duty, key, public_url.rstrip("/")

    def link(self, notice_no: int, person: str) -> str:
        """Return the acknowledgement link of a notice; its proof is stored nowhere."""
        return f"{self._url}/a/{notice_no}/{token(self._key, notice_no, person, ACKNOWLEDGE)}"

    async def compose(self, connection: Any, claimed: Sequence[Claimed]) -> Sequence[Claimed]:
        """Return the notices with their contents, made and kept where they are claimed for the first time."""
        new = [one for one in claimed if one.content is None and one.person in self._duty.oncall.people]
        if not new:
            return claimed
        shown = {m.alert_id for one in new for m in one.members[:SHOWN]}
        events = {
            row["alert_id"]: event_of(row["event"], row["alert_id"])
            async for row in queries.events_of(connection, alert_ids=sorted(shown))
        }
        page_nos = [one.page_no for one in new]
        steps = {
            (row["page_no"], row["alert_id"]): row
            async for row in queries.steps_of_pages(connection, page_nos=page_nos, alert_ids=sorted(shown))
        }
        made = {one.notice_no: await self._made(connection, one, events, steps) for one in new}
        await keep_contents(connection, made)
        return [replace(one, content=made.get(one.notice_no, one.content)) for one in claimed]

    async def _made(
        self, connection: Any, claimed: Claimed, events: Mapping[int, Event[Any] | None], steps: Mapping[_Place, Any]
    ) -> Content:
        duty, person = self._duty, self._duty.oncall.people[claimed.person]
        first = claimed.members[0] if claimed.members else None
        taken = None if first is None else first.alert.taken
        why, following = "", ""
        tried: Sequence[Told] = ()
        if first is not None:
            facts = facts_of(first.key[1], events.get(first.alert_id))
            step = steps[claimed.page_no, first.alert_id]
            why = why_of(duty, person, claimed.person, claimed.word, step["targets"], facts, step["opened_at"])
            if len(claimed.members) == 1 and claimed.word in ASKS:
                then = await next_of(connection, duty, first.alert_id, first.alert, facts, but=claimed.person)
                following = next_in_words(duty, then, person, claimed.now)
            if claimed.word is Word.FINDING:
                told = first.alert_id, first.alert.telling, person, claimed.now
                tried = await told_of(connection, duty, *told, coming=False)
        view = View(
            claimed,
            person,
            events,
            following,
            None if taken is None else name_of(duty, taken.by),
            None if first is None or first.broken_by is None else name_of(duty, first.broken_by),
            why,
            [told for told in tried if told.name != person.name],
            septets(to_gsm7(self.link(claimed.notice_no, claimed.person))),
        )
        event = None if first is None else events.get(first.alert_id)
        return replace(_composed(view), facts=_facts(claimed, event))

    def _thread(self, claimed: Claimed) -> str:
        """Return the thread as the channel knows it: where it rings once a thread, each telling and word is one."""
        config = self._duty.oncall.channels.get(claimed.channel)
        return claimed.thread if config is not None and config.kind == "pagerduty" else claimed.thread.partition("/")[0]

    def outgoing(self, claimed: Claimed, now: datetime) -> Outgoing | None:
        """Return the message as it leaves; None when the person or the method left the configuration meanwhile."""
        person = self._duty.oncall.people.get(claimed.person)
        method = None if person is None else _method(person, claimed)
        if person is None or method is None or claimed.content is None:
            return None
        link = self.link(claimed.notice_no, claimed.person)
        content = replace(
            claimed.content,
            plain=claimed.content.plain.replace(LINK, link),
            html=claimed.content.html.replace(LINK, link),
            short=claimed.content.short.replace(LINK, link),
        )
        return Outgoing(
            claimed.notice_id,
            self._thread(claimed),
            claimed.word,
            claimed.attempt,
            claimed.doubtful,
            claimed.person,
            method.to,
            person.language,
            content,
            link,
            claimed.content.facts,
            now,
        )


def _composed(view: View) -> Content:
    try:
        return compose(view)
    except Exception as error:  # noqa: BLE001  # the edge: counted; a broken template loses no page
        metrics.broken_templates.inc()
        log.error("template_broken", error=type(error).__name__)
        return built_in(view.claimed)


def _method(person: Person, claimed: Claimed) -> Method | None:
    same = [method for method in person.methods if method.by == claimed.channel]
    return same[claimed.nth] if claimed.nth < len(same) else None


def _facts(claimed: Claimed, event: Event[Any] | None) -> Mapping[str, str]:
    """Return the facts of the worst alert, for channels that carry structure."""
    if not claimed.members:
        return {}
    worst = claimed.members[0]
    due_at = "" if worst.due_at is None else worst.due_at.isoformat().replace("+00:00", "Z")
    ticket, metric, cycle = worst.key
    found = {"ticket_id": ticket, "metric": metric, "cycle": str(cycle), "due_at": due_at}
    found |= {"emergency": str(claimed.emergency).lower(), "alerts": str(len(claimed.members))}
    known = facts_of(metric, event)
    more = {"client": known.client, "service": known.service, "priority": known.priority}
    return found | {name: line(said) for name, said in more.items() if said}
