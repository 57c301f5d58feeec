"""What a notifier may not have done, judged by the mails that were kept, the database, and what it said on notices.v1."""

import asyncio
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any

from tests.smtp_sink import Kept

_TOLD = ("accepted", "delivered")
_NOTICES = """
    SELECT n.notice_id::text, n.person, n.channel, n.state, n.attempt, n.doubtful, n.moved_on, n.page_no, p.word, p.gathers,
           array_agg(a.ticket_id) AS tickets
    FROM notice n JOIN page p USING (page_no) JOIN page_alert USING (page_no) JOIN alert a USING (alert_id)
    GROUP BY n.notice_no, p.page_no
"""
_TO_COME = """
    SELECT (SELECT count(*) FROM outbox)
         + (SELECT count(*) FROM notice WHERE state IN ('planned', 'sending') AND due_at < now() + interval '10 minutes')
         + (SELECT count(*) FROM step WHERE state = 'planned' AND due_at < now() + interval '10 minutes')
"""


async def quiet(connection: Any, alerts: int, seconds: float) -> bool:
    """Wait until every alert is known and nothing is due, on its way or waits to be published; False: it never was."""
    end = asyncio.get_running_loop().time() + seconds
    while asyncio.get_running_loop().time() < end:
        known = await connection.fetchval("SELECT count(*) FROM alert")
        if known == alerts and not await connection.fetchval(_TO_COME):
            return True
        await asyncio.sleep(0.5)
    return False


async def findings(
    connection: Any, kept: Sequence[Kept], events: Sequence[Any], alerts: int
) -> tuple[dict[str, int], list[str]]:
    """Return what was counted, and every fault in words."""
    rows = await connection.fetch(_NOTICES)
    copies = Counter(_notice_id(mail) for mail in kept)
    doubts = defaultdict[str, set[int]](set)
    said_sent = set[tuple[str, str]]()
    for event in events:
        if event.type == "notice.unknown":
            doubts[event.data.notice_id].add(event.data.attempt)
        if event.type == "notice.sent":
            said_sent.add((event.data.notice_id, event.subject))
    told, dead, wrong = set[str](), set[str](), list[str]()
    for row in rows:
        if row["state"] in _TOLD:
            told.update(row["tickets"])
            wrong += _not_as_said(row, copies, said_sent)
        if row["state"] == "failed":
            dead.update(row["tickets"])
        allowed = len(doubts[row["notice_id"]]) + (row["state"] in _TOLD)
        if copies[row["notice_id"]] > allowed:
            wrong.append(f"notice {row['notice_id']}: {copies[row['notice_id']]} copies, {allowed} are explained")
    every = {f"T{n}" for n in range(alerts)}
    wrong += [f"lost: {ticket}" for ticket in sorted(every - told - dead)]
    wrong += [f"mail of no notice: {one}" for one in copies.keys() - {row["notice_id"] for row in rows}]
    twice, unexplained = _told_twice(rows)
    wrong += unexplained
    repeats = sum(count - 1 for count in copies.values() if count > 1)
    excess = sum(max(0, copies[r["notice_id"]] - 1 - len(doubts[r["notice_id"]])) for r in rows)
    counts = {"alerts": alerts, "told": len(told), "dead_letters_only": len(dead - told)}
    counts |= {"dead_letters": sum(row["state"] == "failed" for row in rows), "lost": len(every - told - dead)}
    counts |= {"mails": len(kept), "gathered": sum(row["gathers"] for row in rows)}
    counts |= {"repeats": repeats, "repeats_explained_by_unknown": repeats - excess}
    counts |= {"unknown": sum(map(len, doubts.values())), "told_by_the_next_way_too": twice}
    cut = {(e.data.notice_id, e.data.attempt) for e in events if e.type == "notice.unknown" and _cut(e)}
    return {**counts, "attempts_cut_off_by_kills": len(cut)}, wrong


def _notice_id(mail: Kept) -> str:
    found = re.fullmatch(r"<notice\.([0-9a-f-]{36})@.*>", mail.header("Message-ID"))
    return found[1] if found else mail.header("Message-ID")


def _cut(event: Any) -> bool:
    return bool(event.data.reason == "lease_ended")


def _not_as_said(row: Any, copies: Counter[str], said_sent: set[tuple[str, str]]) -> list[str]:
    """What is called accepted must have been kept, and told of on the topic for each of its alerts."""
    wrong = []
    if not copies[row["notice_id"]]:
        wrong.append(f"called accepted and never kept: {row['notice_id']} {sorted(row['tickets'])[:5]}")
    silent = [ticket for ticket in row["tickets"] if (row["notice_id"], ticket) not in said_sent]
    if silent:
        wrong.append(f"no notice.sent of {row['notice_id']}: {sorted(silent)[:5]}")
    return wrong


def _told_twice(rows: Sequence[Any]) -> tuple[int, list[str]]:
    """Count alerts of which a person was told by two messages; only an earlier way that failed or took too long explains it."""
    ways = defaultdict[tuple[str, str, str], list[Any]](list)
    for row in rows:
        for ticket in row["tickets"]:
            ways[ticket, row["person"], row["word"]].append(row)
    twice, wrong = 0, []
    for (ticket, person, word), found in ways.items():
        if len({row["page_no"] for row in found}) > 1:
            wrong.append(f"{ticket} stands on {len(found)} pages ({word}) to {person}")
        if sum(row["state"] in _TOLD for row in found) > 1:
            twice += 1
            if not any(row["moved_on"] or row["state"] == "failed" for row in found):
                wrong.append(f"{ticket} told twice ({word}) to {person} without a reason")
    return twice, wrong
