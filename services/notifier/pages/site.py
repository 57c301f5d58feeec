"""One address for each notice: GET and HEAD show and change nothing, whoever follows the link; POST acts."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from services.notifier import metrics
from services.notifier.composing import Composer
from services.notifier.domain.people import Person
from services.notifier.handlers.duty import Duty
from services.notifier.pages.acts import Done, act
from services.notifier.pages.proof import WrongLinks, is_proof, proven
from services.notifier.pages.view import as_data, look, values_of_many, values_of_one
from services.notifier.pages.web import Refused, data, page, read_form, refusal, see_other, wants_json
from services.notifier.store import queries
from services.notifier.texts import TEXTS
from shared import clock

log = structlog.get_logger(__name__)

_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)
_SAID = ("did_passed", "did_passed_none", "did_undone", "did_late", "did_nothing")
_NO_MORE = 2**63
_DATABASE_SECONDS = 10


@dataclass(frozen=True, slots=True)
class Pages:
    """The pages; ``keys`` prove links (``read_keys``)."""

    duty: Duty
    composer: Composer
    keys: Sequence[bytes]
    wrong: WrongLinks = field(default_factory=WrongLinks)

    def routes(self) -> list[BaseRoute]:
        """Return the routes; HEAD is answered like GET and changes as little."""
        return [Route("/a/{notice_no}/{proof}", self.answer, methods=["GET", "HEAD", "POST"])]

    async def answer(self, request: Request) -> Response:
        """Show what the notice told of, or act on it; a wrong link says no more than that it is wrong."""
        try:
            async with asyncio.timeout(_DATABASE_SECONDS + 15):  # a form has its own 15 s to arrive
                shown, person = await self._proven(request)
                if request.method == "POST":
                    return await self._act(request, shown, person)
                return await self._show(request, shown, person)
        except Refused as refused:
            return refusal(request, refused)
        except _AWAY as error:
            log.warning("page_failed", error=type(error).__name__)
            return refusal(request, Refused(503, "try_again"))

    async def _proven(self, request: Request) -> tuple[Any, Person]:
        """Return the notice that the link proves, and its person; raises ``Refused``."""
        number, proof = request.path_params["notice_no"], request.path_params["proof"]
        if number.isascii() and number.isdigit() and len(number) < 20 and is_proof(proof) and int(number) < _NO_MORE:
            shown = await queries.shown(self.duty.pool, notice_no=int(number))
            person = None if shown is None else self.duty.oncall.people.get(shown["person"])
            if person is not None and proven(self.keys, proof, int(number), shown["person"]):
                return shown, person
        host = request.client.host if request.client else ""
        limited = self.wrong.too_many(host, asyncio.get_running_loop().time())
        metrics.wrong_links.labels("limited" if limited else "wrong").inc()
        raise Refused(429, "too_many") if limited else Refused(404, "no_link")

    async def _show(self, request: Request, shown: Any, person: Person, status: int = 200) -> Response:
        async with self.duty.pool.acquire(timeout=_DATABASE_SECONDS) as connection:
            sight = await look(connection, shown, person, _first(request), clock.now())
            if wants_json(request):
                return data(as_data(sight), status)
            said = request.query_params.get("said", "")
            flash = TEXTS[person.language][said] if said in _SAID else ""
            if not sight.tally["total"]:
                texts = TEXTS[person.language]
                said_of = [(person.language, texts["said_test"])]
                return page("refused.html", language=person.language, title=texts["head_test"], said=said_of)
            if sight.tally["total"] > 1:
                return page("alerts.html", **values_of_many(self.duty, sight), flash=flash)
            values = await values_of_one(connection, self.duty, self.composer, sight)
        return page("alert.html", **values, flash=flash)

    async def _act(self, request: Request, shown: Any, person: Person) -> Response:
        form = await read_form(request)
        tally = await queries.tally(self.duty.pool, page_no=shown["page_no"], person=shown["person"])
        done = await act(self.duty, shown, tally["action"], form)
        metrics.page_acts.labels(done.act).inc()
        log.info(
            "page_used", act=done.act, notice_id=str(shown["notice_id"]), person=shown["person"], alerts=done.alerts
        )
        if wants_json(request):
            return await self._show(request, shown, person, 200 if done.alerts else 409)
        return see_other(_back_to(request.path_params["proof"], _first(request), done))


def _first(request: Request) -> int:
    text = request.query_params.get("from", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


def _back_to(proof: str, first: int, done: Done) -> str:
    """Return where to look: the same page; ``proof`` was found to be one, so nobody is sent anywhere else."""
    said: Mapping[str, str | int] = {**({"from": first} if first else {}), **({"said": done.said} if done.said else {})}
    query = "&".join(f"{key}={value}" for key, value in said.items())
    return f"{proof}?{query}" if query else proof
