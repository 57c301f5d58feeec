"""The list: open contacts, worst first. And the mail that opened no ticket."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote, urlencode

from starlette.responses import Response

from services.intake.domain.headers import read_header
from services.intake.handlers.acts import open_discarded
from services.intake.pages.access import Visit
from services.intake.pages.office import Office
from services.intake.pages.view import View
from services.intake.pages.web import page, see_other
from services.intake.store import desk as store
from services.intake.store import queries

AT_ONCE = 50
_PAGES = 200  # nobody reads further; narrower filters do
_HEAD_BYTES = 16 * 1024
_ID_DIGITS = 18  # fewer than 2**63 has
REASONS = ("null_sender", "report", "auto_replied", "away")


def ticket_path(ticket_id: str) -> str:
    """Return the path of a ticket's page."""
    return f"/desk/tickets/{quote(ticket_id, safe='')}"


class Contacts:
    """The pages ``/desk`` and ``/desk/discarded``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def tickets(self, visit: Visit) -> Response:
        """Show open tickets, worst first, or closed ones, the latest first; a page of ``AT_ONCE``."""
        asked, view = visit.request.query_params, self._office.view(visit)
        filters = {
            name: asked.get(name, "").replace("\0", "").strip()[:200]
            for name in ("q", "client", "mine", "closed", "flood")
        }
        rows, number, more = await self._rows(visit, filters)
        known: dict[str, list[Any]] = {}
        for word in await store.clocks_of(self._office.desk.pool, [row["ticket_id"] for row in rows]):
            known.setdefault(word.ticket_id, []).append(word)
        return page(
            "contacts.html",
            visit.language,
            **visit.shared,
            rows=[_row(row, view, known.get(row["ticket_id"], [])) for row in rows],
            filters=filters,
            clients=view.clients(),
            as_of=view.moment(visit.now),
            **_paging("/desk", filters, number, more),
        )

    async def _rows(self, visit: Visit, filters: Mapping[str, str]) -> tuple[Sequence[Any], int, bool]:
        number = _number(visit)
        common = {
            "client": filters["client"] or None,
            "assignee": visit.agent_id if filters["mine"] else None,
            "words": filters["q"].lower().removeprefix("#") or None,
            "at_most": AT_ONCE + 1,
            "skip": (number - 1) * AT_ONCE,
        }
        pool = self._office.desk.pool
        if filters["closed"]:
            found = queries.closed_contacts(pool, **common)
        else:
            found = queries.open_contacts(pool, **common, now=visit.now, flood=filters["flood"] or None)
        rows = [row async for row in found]
        return rows[:AT_ONCE], number, len(rows) > AT_ONCE

    async def discarded(self, visit: Visit) -> Response:
        """Show mail that opened no ticket, the latest first; or give one back to the reader."""
        if visit.request.method == "POST":
            text = visit.form.get("message", "")
            given = text.isdecimal() and len(text) <= _ID_DIGITS and await open_discarded(self._office.desk, int(text))
            return see_other(f"/desk/discarded?said={'was_given_back' if given else 'was_gone'}")
        asked, view, number = visit.request.query_params, self._office.view(visit), _number(visit)
        reason = asked.get("reason", "")
        found = queries.discarded_mail(
            self._office.desk.pool,
            reason=reason if reason in REASONS else None,
            bytes=_HEAD_BYTES,
            at_most=AT_ONCE + 1,
            skip=(number - 1) * AT_ONCE,
        )
        rows = [row async for row in found]
        said = asked.get("said", "")
        return page(
            "discarded.html",
            visit.language,
            **visit.shared,
            rows=[_mail(row, view) for row in rows[:AT_ONCE]],
            reason=reason,
            reasons=REASONS,
            said=said if said in ("was_given_back", "was_gone") else "",
            **_paging("/desk/discarded", {"reason": reason}, number, len(rows) > AT_ONCE),
        )


def _number(visit: Visit) -> int:
    text = visit.request.query_params.get("page", "1")
    return min(max(int(text), 1), _PAGES) if text.isdecimal() and len(text) < 6 else 1


def _paging(path: str, filters: Mapping[str, str], number: int, more: bool) -> dict[str, Any]:
    said = {name: value for name, value in filters.items() if value}

    def link(to: int) -> str:
        return f"{path}?{urlencode({**said, 'page': to})}"

    previous = link(number - 1) if number > 1 else ""
    return {"number": number, "previous": previous, "following": link(number + 1) if more and number < _PAGES else ""}


def _row(row: Any, view: View, words: Sequence[Any]) -> dict[str, Any]:
    clocks = view.clocks(words, answered=row["responded_at"] is not None)
    tones = [clock.tone for clock in clocks]
    return {
        "id": row["ticket_id"],
        "path": ticket_path(row["ticket_id"]),
        "title": row["title"],
        "client": view.client(row["client_id"]),
        "service": view.service(row["service"]),
        "priority": view.priority(row["service"], row["priority"]),
        "urgent": row["priority"] == "urgent",
        "assignee": view.agent(row["assignee"]),
        "emergency": bool(row["emergency"]),
        "state": row["state"],
        "pauses": [view.word(reason) for reason in row["pauses"]],
        "clocks": clocks,
        "tone": next((tone for tone in ("late", "soon") if tone in tones), "calm"),
        "alike": row["alike"],
        "flood": f"/desk?{urlencode({'flood': row['flood']})}",
    }


def _mail(row: Any, view: View) -> dict[str, Any]:
    header = read_header(row["head"])
    return {
        "id": row["id"],
        "at": view.moment(row["received_at"]),
        "mailbox": row["mailbox"],
        "reason": view.word(row["discarded"]),
        "sender": header.address("from"),
        "subject": header.text("subject")[:200],
    }
