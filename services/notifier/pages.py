"""The acknowledgement page, for a phone at three in the morning: GET shows, POST takes. No log-in, no scripts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.notifier import store
from services.notifier.content import bare_facts, facts, moment, render
from services.notifier.domain.people import Person
from services.notifier.domain.token import ACKNOWLEDGE, proves
from services.notifier.handlers import Notifier, acknowledge
from services.notifier.texts import TEXTS
from shared import clock

log = structlog.get_logger(__name__)

_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'",
}


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages; ``key`` proves links."""

    notifier: Notifier
    key: bytes

    def routes(self) -> list[BaseRoute]:
        """Return the routes; HEAD is answered like GET and changes as little."""
        return [Route("/a/{delivery_id:int}/{proof}", self.answer, methods=["GET", "HEAD", "POST"])]

    async def answer(self, request: Request) -> Response:
        """Show the alert, or take it; a wrong link says no more than that it is wrong."""
        delivery_id = request.path_params["delivery_id"]
        shown = None
        if delivery_id < 2**63:
            shown = await store.queries.shown(self.notifier.pool, delivery_id=delivery_id)
        person = None if shown is None else self.notifier.oncall.people.get(shown["person"] or "")
        proof = request.path_params["proof"]
        if shown is None or person is None or not proves(self.key, proof, delivery_id, shown["person"], ACKNOWLEDGE):
            text = TEXTS["pt-BR"]["no_link"] + " " + TEXTS["en"]["no_link"]
            return HTMLResponse(render("wrong.html", text=text), status_code=404, headers=_HEADERS)
        if request.method == "POST":
            await acknowledge(self.notifier, shown)
            log.info("acknowledgement_asked", delivery_id=delivery_id)
            return RedirectResponse(request.url.path, status_code=303, headers=_HEADERS)
        people = store.queries.story(self.notifier.pool, alert_id=shown["alert_id"], telling=shown["telling"])
        told = [row async for row in people]
        return HTMLResponse(_page(shown, told, person, self.notifier, clock.now()), headers=_HEADERS)


def _page(shown: Any, told: list[Any], person: Person, notifier: Notifier, now: datetime) -> str:
    texts, event = TEXTS[person.language], store.event_of(shown)
    due_at = None if event is None else event.data.due_at
    over = shown["loudness"] == "ended" or shown["telling"] < shown["current_telling"]
    taken_at = shown["acknowledged_at"]
    state = ""
    if over:
        state = texts["ended"]
    elif taken_at is not None and shown["acknowledged_by"] == shown["person"]:
        state = f"{texts['yours']} {moment(taken_at, person, now)}"
    elif taken_at is not None:
        by = notifier.oncall.people.get(shown["acknowledged_by"])
        name = by.name if by is not None else shown["acknowledged_by"]
        state = f"{texts['taken']} {name}, {texts['since']} {moment(taken_at, person, now)}"
    pending = not over and taken_at is None
    return render(
        "page.html",
        **(bare_facts(shown["ticket_id"], shown["metric"], person) if event is None else facts(event, person, now)),
        head=texts[
            "head_all_clear" if over else "head_breached" if shown["loudness"] == "breached" else "head_warning"
        ],
        late=due_at is not None and due_at <= now and not over,
        clock="" if over or due_at is None else _distance(due_at - now, texts),
        state=state,
        good=over or shown["acknowledged_by"] == shown["person"],
        people=_people(told, notifier, person, now, pending),
    )


def _people(told: list[Any], notifier: Notifier, person: Person, now: datetime, pending: bool) -> list[dict[str, Any]]:
    """Return who was told and, while it is pending, who is next (one)."""
    rows: list[dict[str, Any]] = []
    for row in told:
        was_told = row["state"] == "accepted"
        if was_told or (pending and not any(not r["told"] for r in rows)):
            named = notifier.oncall.people.get(row["person"])
            at = row["accepted_at"] if was_told else row["next_at"]
            name = row["person"] if named is None else named.name
            rows.append({"name": name, "told": was_told, "at": moment(at, person, now)})
    return rows


def _distance(left: timedelta, texts: Any) -> str:
    minutes, seconds = divmod(abs(int(left.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
    return f"{texts['late'] if left < timedelta(0) else texts['left']} {text}"
