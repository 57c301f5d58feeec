"""The acknowledgement page, for a phone at three in the morning: GET shows, POST takes. No log-in, no scripts."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from services.notifier.composing import Composer
from services.notifier.content import bare_facts, facts, moment, render
from services.notifier.domain.alert import Loudness
from services.notifier.domain.people import Person
from services.notifier.domain.token import ACKNOWLEDGE, proves
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.taking import acknowledge
from services.notifier.store import queries
from services.notifier.store.alerts import alert_of, event_of
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

    duty: Duty
    composer: Composer
    key: bytes

    def routes(self) -> list[BaseRoute]:
        """Return the routes; HEAD is answered like GET and changes as little."""
        return [Route("/a/{notice_no:int}/{proof}", self.answer, methods=["GET", "HEAD", "POST"])]

    async def answer(self, request: Request) -> Response:
        """Show the alert, or take it; a wrong link says no more than that it is wrong."""
        notice_no, proof = request.path_params["notice_no"], request.path_params["proof"]
        shown = None
        if notice_no < 2**63:
            shown = await queries.shown(self.duty.pool, notice_no=notice_no)
        person = None if shown is None else self.duty.oncall.people.get(shown["person"])
        if shown is None or person is None or not proves(self.key, proof, notice_no, shown["person"], ACKNOWLEDGE):
            text = TEXTS["pt-BR"]["no_link"] + " " + TEXTS["en"]["no_link"]
            return HTMLResponse(render("wrong.html", text=text), status_code=404, headers=_HEADERS)
        if request.method == "POST":
            await acknowledge(self.duty, str(shown["notice_id"]), shown["page_no"], shown["person"], shown["channel"])
            log.info("acknowledgement_asked", notice_id=str(shown["notice_id"]))
            return RedirectResponse(request.url.path, status_code=303, headers=_HEADERS)
        return HTMLResponse(await self._page(shown, person, clock.now()), headers=_HEADERS)

    async def _page(self, shown: Any, person: Person, now: datetime) -> str:
        rows = [row async for row in queries.shown_alerts(self.duty.pool, page_no=shown["page_no"], at_most=1)]
        row = rows[0]
        texts, event, alert = TEXTS[person.language], event_of(row["event"], row["alert_id"]), alert_of(row)
        due_at = None if event is None else event.data.due_at
        over = alert.loudness is Loudness.ENDED or row["told"] < alert.telling
        taken = alert.taken
        state = ""
        if over:
            state = texts["ended"]
        elif taken is not None and taken.by == shown["person"]:
            until = "" if taken.until is None else moment(taken.until, person, now)
            state = f"{texts['yours']} {until}".strip()
        elif taken is not None:
            state = f"{texts['taken']} {self.composer.name(taken.by)}, {texts['since']} {moment(taken.at, person, now)}"
        return render(
            "page.html",
            **(bare_facts(row["ticket_id"], row["metric"], person) if event is None else facts(event, person, now)),
            head=texts[
                "head_all_clear" if over else "head_breached" if alert.loudness is Loudness.BREACHED else "head_warning"
            ],
            late=due_at is not None and due_at <= now and not over,
            clock="" if over or due_at is None else _distance(due_at - now, texts),
            state=state,
            good=over or (taken is not None and taken.by == shown["person"]),
            people=[],
        )


def _distance(left: timedelta, texts: Any) -> str:
    minutes, seconds = divmod(abs(int(left.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"
    return f"{texts['late'] if left < timedelta(0) else texts['left']} {text}"
