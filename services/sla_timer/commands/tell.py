"""A clock's story as lines of text in one language: pure, so that it can be compared whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import assert_never
from zoneinfo import ZoneInfo

from services.sla_timer.commands.sums import Sums, amounts, sums
from services.sla_timer.commands.words import TEXTS
from services.sla_timer.domain.assess import Assessment
from services.sla_timer.domain.clock import Clock, How
from services.sla_timer.domain.happening import (
    Appointed,
    Breached,
    Changed,
    Ended,
    Exempted,
    Ignored,
    Opened,
    Reopened,
    TakenOver,
)
from services.sla_timer.domain.story import Counted, Line, Story, Subtracted
from shared.clock import from_us

_SECOND = 1_000_000
_WHEN, _AMOUNT = 42, 12


def spoken(seconds: int) -> str:
    """Return a duration as ``1h 30min 5s``; parts that are zero are left out."""
    minutes, rest = divmod(abs(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "min"), (rest, "s")) if n]
    return ("-" if seconds < 0 else "") + (" ".join(parts) or "0min")


@dataclass(frozen=True, slots=True)
class Speaker:
    """Says words and instants in one language and zone. ``services``: names by id."""

    language: str
    zone: str
    services: Mapping[str, str]

    def say(self, key: str, **values: str) -> str:
        """Return the text of ``key``."""
        return TEXTS[self.language][key].format(**values)

    def word(self, kind: str, value: str | None) -> str:
        """Return a value in words; one of the users' own is said as it is written."""
        if value is None or value == "":
            return self.say("unknown")
        if kind == "service":
            return self.services.get(value, value)
        return TEXTS[self.language].get(f"{kind}.{value}", value)

    def at(self, at_us: int | None) -> str:
        """Return an instant in local time, with weekday; seconds only where there are any."""
        return self.say("none") if at_us is None else f"{self._day(at_us)} {self._time(at_us)}"

    def between(self, start_us: int, end_us: int) -> str:
        """Return an interval; the day is said twice only where it changes."""
        same = self._day(start_us) == self._day(end_us)
        return f"{self.at(start_us)} – {self._time(end_us) if same else self.at(end_us)}"

    def _local(self, at_us: int) -> datetime:
        return from_us(at_us).astimezone(ZoneInfo(self.zone))

    def _day(self, at_us: int) -> str:
        local = self._local(at_us)
        return f"{self.say('weekdays').split()[local.weekday()]} {local.strftime(self.say('date'))}"

    def _time(self, at_us: int) -> str:
        return self._local(at_us).strftime("%H:%M:%S").removesuffix(":00")


Row = tuple[str, str, Sequence[str]]
"""(when, amount, sentences)"""


def heading(ticket_id: str, assessment: Assessment, language: str, at_us: int) -> Iterator[str]:
    """Yield what the ticket is now."""
    catalog, ticket = assessment.catalog, assessment.ticket
    service = catalog.service(ticket.service)
    speaker = Speaker(language, catalog.business.zone, {service.id: service.names.get(language, service.id)})
    priority = catalog.priority(service, ticket.priority)
    yield speaker.say("ticket", ticket=ticket_id, title=assessment.history.opened.title)
    yield speaker.say(
        "about",
        service=speaker.word("service", service.id),
        priority=speaker.word("priority", priority),
        client=speaker.word("client", ticket.client_id),
    )
    asked = {"unknown_service": ticket.service, "unknown_priority": ticket.priority or ""}
    yield from (speaker.say(flag, asked=asked.get(flag, "")) for flag in assessment.flags)
    if not ticket.in_scope:
        yield speaker.say("no_action.scope") + _because(assessment, "scope")
    elif not ticket.covered:
        yield speaker.say("no_action.coverage") + _because(assessment, "coverage")
    yield speaker.say("as_of", at=f"{speaker.at(at_us)} ({speaker.zone})")


def _because(assessment: Assessment, field: str) -> str:
    """Return the reason that the last word on scope or coverage gave."""
    facts = (fact.data for _, fact in reversed(assessment.history.facts))
    last = next((data for data in facts if getattr(data, field, None) is not None), assessment.history.opened)
    reason = getattr(last, f"{field}_reason", None) or getattr(last, "why", None)
    return f": {reason}" if reason else ""


def told(story: Story, speaker: Speaker) -> Iterator[str]:
    """Yield a clock's headline, its target, its lines and its sum."""
    clock, plan, found = story.clock, story.clock.plan, sums(story)
    cycle = f" ({speaker.say('cycle', cycle=str(clock.cycle))})" if clock.cycle > 1 else ""
    yield f"{speaker.word('metric', clock.metric)}{cycle}: {_status(clock, found, speaker)}"
    yield speaker.say(
        "target",
        target=_target(clock, found.target, speaker),
        calendar=speaker.word("calendar", plan.span.calendar.name),
        zone=speaker.zone,
        catalog=clock.catalog,
        service=speaker.word("service", plan.service),
        priority=speaker.word("priority", plan.priority),
    )
    for line, seconds in amounts(story):
        when, amount, sentences = _row(line, seconds, speaker)
        for i, sentence in enumerate(sentences):
            left = f"  {when:<{_WHEN}} {amount:>{_AMOUNT}}  " if i == 0 else " " * (_WHEN + _AMOUNT + 5) + "  "
            yield f"{left}{sentence}"
    yield from _sum(story, found, speaker)


def _status(clock: Clock, found: Sums, speaker: Speaker) -> str:
    end = clock.end
    values = {
        "due": speaker.at(clock.due_us),
        "left": spoken(found.remaining),
        "late": spoken(-found.remaining),
        "end": speaker.at(end.at_us if end else None),
        "cause": speaker.word("cause", end.cause) if end else "",
    }
    match clock.verdict:
        case "open":
            return speaker.say(f"status.{clock.state}", **values)
        case "breached":
            return speaker.say("status.late" if end is None else "status.closed_late", **values)
        case verdict:
            return speaker.say(f"status.{verdict}", **values)


def _target(clock: Clock, seconds: int, speaker: Speaker) -> str:
    calendar, us = clock.plan.span.calendar, clock.plan.span.us
    if us < calendar.day_us or us % calendar.day_us:
        return spoken(seconds)
    kind, days = "real_day" if calendar.name == "always" else "business_day", us // calendar.day_us
    return f"{spoken(seconds)} = {days} {speaker.say(kind if days == 1 else f'{kind}s')}"


def _sum(story: Story, found: Sums, speaker: Speaker) -> Iterator[str]:
    rows = [(" ", "target", found.target)]
    if found.adjustment:
        rows += [("+" if found.adjustment > 0 else "−", "adjustment", abs(found.adjustment))]
        rows += [("=", "allowed", found.allowed)]
    rows += [("−", "counted", found.counted)]
    rows += [("=", "late" if found.remaining < 0 else "remaining", abs(found.remaining))]
    yield f"  {speaker.say('sum')}:"
    for sign, key, seconds in rows:
        label = speaker.say(f"sum.{key}", upto=speaker.at(story.upto_us))
        yield f"    {sign} {label:<46} {spoken(seconds):>14}"
    if found.paused:
        yield f"    {speaker.say('sum.paused', paused=spoken(found.paused))}"


def _row(line: Line, seconds: int, speaker: Speaker) -> Row:
    match line:
        case Counted():
            total = spoken(line.total_us // _SECOND)
            text = speaker.say("counted.late" if line.late else "counted", total=total)
            return speaker.between(line.at_us, line.until_us), f"+ {spoken(seconds)}", [text]
        case Subtracted():
            reasons = speaker.say("and").join(speaker.word("reason", reason) for reason in line.reasons)
            text = speaker.say("paused.lasting" if line.lasting else "paused", reasons=reasons)
            more = [speaker.say(f"paused.{line.nothing}")] if line.nothing else []
            return speaker.between(line.at_us, line.until_us), f"({spoken(seconds)})", [text, *more]
        case _:
            return speaker.at(line.at_us), "", list(_sentences(line, speaker))


def _sentences(
    line: Opened | TakenOver | Changed | Appointed | Breached | Exempted | Ended | Reopened | Ignored, speaker: Speaker
) -> Iterator[str]:
    match line:
        case Opened():
            yield from _opening(line, speaker)
        case TakenOver():
            yield speaker.say("taken_over", version=line.version)
        case Changed():
            yield from _change(line, speaker)
        case Appointed():
            yield from _appointment(line, speaker)
        case Breached():
            yield speaker.say("breached")
        case Exempted():
            yield speaker.say("exempted", reason=line.reason_code, by=line.approved_by)
        case Ended():
            how = "cancelled" if line.how is not How.FULFILLED else "late" if line.late else "met"
            by = "" if line.by is None else f", {speaker.say('ended.by', by=line.by)}"
            into = "" if line.into is None else f": {line.into}"
            yield speaker.say(f"ended.{how}", cause=speaker.word("cause", line.cause)) + into + by
        case Reopened():
            yield speaker.say("reopened")
            if line.due_us is not None:
                yield speaker.say("reopened.late" if line.late else "reopened.due", due=speaker.at(line.due_us))
        case Ignored():
            yield speaker.say(f"ignored.{line.word}", reason=speaker.word("reason", line.detail))
        case _:
            assert_never(line)


def _opening(line: Opened, speaker: Speaker) -> Iterator[str]:
    values = {
        "service": speaker.word("service", line.service),
        "priority": speaker.word("priority", line.priority),
        "channel": speaker.word("channel", line.channel.strip().lower()),
    }
    yield speaker.say("opened" if line.channel else "new_cycle", **values)
    if line.emergency:
        yield speaker.say(f"emergency.{line.emergency}")
    if line.target_us is None:
        yield speaker.say("opened.none")
    else:
        target, due = spoken(line.target_us // _SECOND), speaker.at(line.due_us)
        yield speaker.say("opened.pending" if line.due_us is None else "opened.due", target=target, due=due)


def _change(line: Changed, speaker: Speaker) -> Iterator[str]:
    what = [
        f"{speaker.say(f'field.{field}')} {_value(field, old, speaker)} → {_value(field, new, speaker)}"
        for field, old, new in line.what
    ]
    by = "" if line.by is None else f", {speaker.say('changed.by', by=line.by)}"
    yield speaker.say("changed", what="; ".join(what) or speaker.say("changed.nothing")) + by
    if line.why:
        yield speaker.say("changed.why", why=line.why)
    if line.target_due_us is not None:
        yield speaker.say("changed.due", old=speaker.at(line.old_due_us), new=speaker.at(line.new_due_us))
    rule = speaker.say(
        f"rule.{line.rule}",
        old=speaker.at(line.old_due_us),
        fresh=speaker.at(line.target_due_us),
        graced=speaker.at(line.grace_due_us),
        target=spoken((line.target_us or 0) // _SECOND),
        grace=spoken((line.grace_us or 0) // _SECOND),
    )
    yield from rule.split("\n")
    if line.target_due_us is not None and line.paused:
        yield speaker.say("changed.paused")
    if line.calendar is not None:
        yield speaker.say("changed.calendar", calendar=speaker.word("calendar", line.calendar))


def _value(field: str, value: str, speaker: Speaker) -> str:
    return speaker.word(field if field in ("service", "priority") else "value", value)


def _appointment(line: Appointed, speaker: Speaker) -> Iterator[str]:
    if not line.taken:
        yield speaker.say("appointed.kept", starts=speaker.at(line.starts_us))
        return
    until = "" if line.ends_us is None else f" {speaker.say('appointed.ends', ends=speaker.at(line.ends_us))}"
    yield speaker.say("appointed", starts=speaker.at(line.starts_us)) + until
    yield speaker.say("changed.due", old=speaker.at(line.old_due_us), new=speaker.at(line.new_due_us))
