"""Telling those who were disturbed: that somebody took it, that it is over. By what disturbed them, but never by a call."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from services.notifier.domain.facts import facts_of
from services.notifier.domain.message import Word
from services.notifier.handlers.duty import Duty
from services.notifier.notices import of_opened
from services.notifier.store import queries
from services.notifier.store.alerts import Known, event_of
from services.notifier.store.pages import Want, Way, open_pages
from shared import outbox


async def tell_the_disturbed(
    connection: Any, duty: Duty, alerts: Mapping[int, Known], word: Word, now: datetime, *, but: str = ""
) -> None:
    """Tell exactly those who were told of ``alerts`` (by id), except ``but``; who got an all-clear since is left alone."""
    if not alerts:
        return
    ways = defaultdict[tuple[int, str], list[Way]](list)
    async for row in queries.disturbed(connection, alert_ids=sorted(alerts)):
        if row["person"] != but and _informs(duty, row["channel"], word):
            ways[row["alert_id"], row["person"]].append(Way(row["channel"], row["nth"], row["rank"], now))
    wants = [
        Want(
            person,
            word,
            facts_of(alerts[alert_id].key[1], event_of(alerts[alert_id].event, alert_id)).emergency,
            alert_id,
            alerts[alert_id].key,
            alerts[alert_id].alert.telling,
            tuple(found),
        )
        for (alert_id, person), found in ways.items()
    ]
    opened = await open_pages(connection, wants, now)
    await outbox.record(connection, duty.notices_topic, of_opened(opened, {}, now))


def _informs(duty: Duty, channel: str, word: Word) -> bool:
    """Tell whether a channel is right for a word that asks for nothing: an end is told by what woke somebody, but for a
    call; that somebody else took it only by what is silent, or keeps a state of its own."""
    config = duty.oncall.channels.get(channel)
    if config is None or config.kind == "voice":
        return False
    return word is Word.ALL_CLEAR or config.updates or not config.loud
