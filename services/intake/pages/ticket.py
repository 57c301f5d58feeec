"""One ticket: its facts, clocks, messages as plain text, what happened, and a button for each thing a person may say."""

import secrets
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import orjson
from starlette.responses import Response

from services.intake.domain.acts import ACTS, PAUSE_REASONS, Wrong, is_possible
from services.intake.domain.following import Ticket
from services.intake.handlers.acts import Press, press
from services.intake.handlers.follow import ticket_of
from services.intake.pages.access import Visit
from services.intake.pages.contacts import ticket_path
from services.intake.pages.office import Office
from services.intake.pages.view import View
from services.intake.pages.web import Refused, page, see_other
from services.intake.store import desk as store
from services.intake.store import queries
from shared.events import TicketOpened, decode_json

MESSAGES, CALLS, ENTRIES = 10, 20, 200
MESSAGE_BYTES, TEXT_LENGTH = 1024 * 1024, 20_000
_NONCE = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")


class TicketPage:
    """The page ``/desk/tickets/{id}``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def answer(self, visit: Visit) -> Response:
        """Show a ticket, or record what was pressed and show it again."""
        ticket_id = visit.request.path_params["ticket_id"]
        if "\0" in ticket_id:
            raise Refused(404, "no_ticket")
        if visit.request.method != "POST":
            return await self._show(visit, ticket_id)
        act, nonce = visit.form.get("act", ""), visit.form.get("nonce", "")
        if not (20 <= len(nonce) <= 64 and set(nonce) <= _NONCE):
            raise Refused(400, "stale_form")
        said = {name: value for name, value in visit.form.items() if name not in ("csrf", "nonce", "act")}
        choices = self._office.choices(self._office.view(visit))
        try:
            await press(self._office.desk, Press(ticket_id, act, said, visit.agent_id, nonce, visit.now), choices)
        except Wrong as wrong:
            return await self._show(visit, ticket_id, wrong)
        return see_other(f"{ticket_path(ticket_id)}?done={act}")

    async def _show(self, visit: Visit, ticket_id: str, wrong: Wrong | None = None) -> Response:
        pool, view = self._office.desk.pool, self._office.view(visit)
        ticket = await ticket_of(pool, ticket_id)
        if ticket is None:
            raise Refused(404, "no_ticket")
        opening = await queries.opening_of(pool, ticket_id=ticket_id)
        opened = None if opening is None else decode_json(orjson.loads(opening["body"])).data
        happenings = queries.last_happenings_of(pool, ticket_id=ticket_id, at_most=ENTRIES + 1)
        rows = [row async for row in happenings]
        calls = [row async for row in queries.calls_of_ticket(pool, ticket_id=ticket_id, at_most=CALLS)]
        done = visit.request.query_params.get("done", "")
        return page(
            "ticket.html",
            visit.language,
            200 if wrong is None else 422,
            **visit.shared,
            ticket=ticket,
            path=ticket_path(ticket_id),
            protocol=(opened.protocol if opened is not None else None) or ticket_id,
            nonce=secrets.token_urlsafe(24),
            facts=_facts(ticket, opened, view),
            articles=[url for url in getattr(opened, "articles", ()) if url.startswith(("https://", "http://"))],
            clocks=view.clocks(
                await store.clocks_of(pool, [ticket_id]), answered=ticket.responded_at is not None, all_cycles=True
            ),
            state=view.t[f"state_{ticket.state}"],
            into=ticket_path(ticket.merged_into) if ticket.merged_into else "",
            pauses=[(reason, view.word(reason)) for reason in ticket.pauses],
            messages=await self._messages(ticket_id, view),
            calls=[_call(row, view) for row in calls],
            entries=[view.entry(store.happened(row), row["type"]) for row in rows[:ENTRIES]],
            older=len(rows) > ENTRIES,
            possible=[act for act in ACTS if is_possible(act, ticket)],
            choices=_choices(ticket, view),
            val=partial(_said, visit.form),
            pressed=visit.form.get("act", ""),
            wrong=wrong,
            me=visit.agent_id,
            done=f"done_{done}" if done in (*ACTS, "phone") else "",
        )

    async def _messages(self, ticket_id: str, view: View) -> Sequence[Mapping[str, Any]]:
        found = queries.messages_of(self._office.desk.pool, ticket_id=ticket_id, bytes=MESSAGE_BYTES, at_most=MESSAGES)
        rows = [row async for row in found]
        return [await self._message(row, view) for row in rows]

    async def _message(self, row: Any, view: View) -> Mapping[str, Any]:
        """Return a mail as plain text; what it calls HTML never reaches the page."""
        read = await self._office.desk.read(row["raw"], row["received_at"], null_sender=row["envelope_from"] == "")
        return {
            "id": row["id"],
            "at": view.moment(row["received_at"]),
            "sender": read.sender,
            "became": f"became_{row['became'] or 'opened'}",
            "text": _plain(read.text)[:TEXT_LENGTH],
            "quoted": _plain(read.quoted)[:TEXT_LENGTH],
            "signature": _plain(read.signature)[:TEXT_LENGTH],
            "cut": len(read.text) > TEXT_LENGTH or row["size_bytes"] > MESSAGE_BYTES,
            "attachments": [f"{one.name or one.type} ({_size(one.bytes)})" for one in read.attachments[:50]],
            "unreadable": None if row["erased"] else read.unreadable,
            "erased": row["erased"],
        }


def _said(form: Mapping[str, str], act: str, name: str, default: str) -> str:
    """Return what was filled in, if this form was sent."""
    return form.get(name, default) if form.get("act") == act else default


def _facts(ticket: Ticket, opened: TicketOpened | None, view: View) -> Sequence[tuple[str, str]]:
    """Return the facts by their name; what the opening did not say is left out."""
    t = view.t
    emergency = "" if ticket.emergency is None else t["yes" if ticket.emergency else "no"]
    always = [
        (t["client"], view.client(ticket.client_id)),
        (t["service"], view.service(ticket.service)),
        (t["priority"], view.priority(ticket.service, ticket.priority)),
        (t["assignee"], view.agent(ticket.assignee)),
        (t["emergency"], emergency),
        (t["channel"], view.word(ticket.channel)),
        (t["opened"], view.moment(ticket.opened_at)),
        (t["appointment"], "" if ticket.scheduled_at is None else view.moment(ticket.scheduled_at)),
        (t["coverage"], view.coverage(ticket.coverage)),
        (t["scope"], view.word(ticket.scope)),
    ]
    return [(name, value) for name, value in [*always, *_said_at_opening(opened, view)] if value]


def _said_at_opening(opened: TicketOpened | None, view: View) -> Sequence[tuple[str, str]]:
    if opened is None:
        return []
    t = view.t

    def told(value: bool | None) -> str:
        return "" if value is None else t["yes" if value else "no"]

    return [
        (t["protocol_number"], opened.protocol or ""),
        (t["coverage"], opened.coverage_reason or ""),
        (t["rejections"], ", ".join(opened.rejection_codes)),
        (t["documents"], ", ".join(opened.documents)),
        (t["rule"], opened.routing_rule or ""),
        (t["hint"], view.word(opened.scope_hint) if opened.scope_hint else ""),
        (t["remote"], told(opened.remote_access)),
        (t["registered"], told(opened.contact_registered)),
        (t["verified"], told(opened.sender_verified)),
    ]


def _choices(ticket: Ticket, view: View) -> Mapping[str, Sequence[tuple[str, str]]]:
    """Return the options of each select; what the ticket has now is always among them."""
    services, priorities = list(view.services()), list(view.priorities())
    if ticket.service not in dict(services):
        services.insert(0, (ticket.service, ticket.service))
    if ticket.priority and ticket.priority not in dict(priorities):
        priorities.insert(0, (ticket.priority, ticket.priority))
    return {
        "services": services,
        "priorities": priorities,
        "scopes": [(word, view.t[word]) for word in ("in_scope", "out_of_scope")],
        "agents": view.agents(),
        "reasons": [(reason, view.word(reason)) for reason in PAUSE_REASONS if reason not in ticket.pauses],
    }


def _call(row: Any, view: View) -> Mapping[str, str]:
    return {
        "at": view.moment(row["entered_at"]),
        "number": row["number"] or view.t["unknown"],
        "decision": view.t.get(f"call_{row['decision']}", "—"),
        "agent": view.agent(row["agent"]) if row["agent"] else "",
    }


def _plain(text: str) -> str:
    return "".join(c for c in text if c in "\n\t" or c.isprintable())


def _size(count: int) -> str:
    return f"{count / 1024 / 1024:.1f} MB" if count >= 1024 * 1024 else f"{max(count // 1024, 1)} kB"
