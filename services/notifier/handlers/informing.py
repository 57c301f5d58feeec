"""Telling those who were disturbed: that somebody took it, that it is over. By what disturbed them, but never by a call."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.notifier.domain.channel_config import ChannelConfig
from services.notifier.domain.message import Word
from services.notifier.handlers.duty import Duty
from services.notifier.notices import of_opened
from services.notifier.store import queries
from services.notifier.store.alerts import Known, facts_of_alert
from services.notifier.store.pages import Want, Way, open_pages
from shared import outbox


async def tell_the_disturbed(
    connection: Any, duty: Duty, alerts: Mapping[int, Known], word: Word, now: datetime, *, but: str = ""
) -> None:
    """Tell exactly those who were told of ``alerts`` (by id), except ``but``; who got an all-clear since is left alone."""
    if not alerts:
        return
    said = _Said(duty, word, alerts, now)
    async for row in queries.disturbed(connection, alert_ids=sorted(alerts), ended=word is Word.ALL_CLEAR):
        said.add(row, but)
    wants = said.wants()
    opened = await open_pages(connection, wants, now)
    await outbox.record(connection, duty.notices_topic, of_opened(opened, {}, now))


class _Said:
    """Collects who is told what. A channel that keeps a state of its own is told on the thread that it knows, and of a
    page of many only when nothing of it is open any more."""

    def __init__(self, duty: Duty, word: Word, alerts: Mapping[int, Known], now: datetime) -> None:
        self._duty, self._word, self._alerts, self._now = duty, word, alerts, now
        self._ways = defaultdict[tuple[int, str], list[Way]](list)
        self._threads: dict[tuple[str, str, str], Want] = {}

    def add(self, row: Any, but: str) -> None:
        """Add one way by which somebody was disturbed, unless they are ``but``: of those only an incident is told."""
        config = self._duty.oncall.channels.get(row["channel"])
        if config is None or not _informs(config, self._word) or (row["person"] == but and config.kind != "pagerduty"):
            return
        way = self._way(row, config)
        if config.kind == "pagerduty":
            if row["settled"]:
                place = row["person"], row["channel"], row["thread"]
                self._threads.setdefault(place, self._want(row["alert_id"], row["person"], (way,), row["thread"]))
        elif all((way.channel, way.nth) != (w.channel, w.nth) for w in self._ways[row["alert_id"], row["person"]]):
            self._ways[row["alert_id"], row["person"]].append(way)

    def _way(self, row: Any, config: ChannelConfig) -> Way:
        """Return the way by which somebody was disturbed: what would wake them now waits for their hours."""
        now, way = self._now, Way(row["channel"], row["nth"], row["rank"], self._now)
        if not config.loud or config.updates or row["person"] not in self._duty.oncall.people:
            return way
        known = self._alerts[row["alert_id"]]
        emergency = facts_of_alert(known).emergency
        ways = self._duty.ways(row["person"], now, emergency)
        return next((one for one in ways if one.quiet and one[:2] == way[:2]), way)

    def wants(self) -> list[Want]:
        """Return what is to be told."""
        found = [self._want(alert_id, person, tuple(ways)) for (alert_id, person), ways in self._ways.items() if ways]
        return [*found, *self._threads.values()]

    def _want(self, alert_id: int, person: str, ways: tuple[Way, ...], thread: str | None = None) -> Want:
        known = self._alerts[alert_id]
        emergency = facts_of_alert(known).emergency
        key, telling = known.key, known.alert.telling
        return Want(person, self._word, emergency, alert_id, key, telling, ways, thread=thread)


def _informs(config: ChannelConfig, word: Word) -> bool:
    """Tell whether a channel is right for a word that asks for nothing: an end is told by what woke somebody, but for a
    call; that somebody else took it only by what is silent, or keeps a state of its own."""
    if config.kind == "voice":
        return False
    return word is Word.ALL_CLEAR or config.updates or not config.loud
