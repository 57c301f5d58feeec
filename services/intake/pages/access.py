"""Who is at the desk pages: log-in with a password, or by the header of a trusted proxy; sessions; log-out."""

import asyncio
import secrets
import traceback
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import asyncpg
import structlog
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from starlette.requests import Request
from starlette.responses import Response

from services.intake import metrics
from services.intake.domain.agents import Agent, Agents
from services.intake.domain.sessions import (
    LONGEST,
    TOUCH_EVERY,
    TRIES_PER_ADDRESS,
    TRIES_PER_USER,
    Attempts,
    credential_of,
    csrf_of,
    is_alive,
    is_csrf,
    token_sha256,
)
from services.intake.pages.web import (
    LANGUAGE_COOKIE,
    Refused,
    kept_of,
    language_of,
    local_path,
    login_page,
    read_form,
    resume_page,
    see_other,
    wrong,
)
from services.intake.store import queries
from services.intake.texts import TEXTS
from shared import clock
from shared.config import Misconfigured

log = structlog.get_logger(__name__)

COOKIE = "prazo_desk"
PASSWORD_LENGTH = 1000
_AT_ONCE = 2  # each verification takes 64 MiB and some 50 ms
_AWAY = (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError)


class Proxy(NamedTuple):
    """Reverse proxies that are believed: their addresses, and the header that names an agent ("": log-in by password)."""

    addresses: frozenset[str] = frozenset()
    header: str = ""


class Visit(NamedTuple):
    """One request of somebody who is logged in; ``form`` is empty unless it was posted."""

    request: Request
    agent_id: str
    agent: Agent
    csrf: str
    language: str
    form: Mapping[str, str]
    now: datetime

    @property
    def shared(self) -> dict[str, Any]:
        """Return what the frame of every page shows."""
        return {"agent": self.agent, "csrf": self.csrf, "here": _here(self.request)}


Handler = Callable[[Visit], Awaitable[Response]]
Endpoint = Callable[[Request], Awaitable[Response]]


@dataclass(slots=True)
class Gate:
    """The door of the desk pages. Attempts are counted by each replica for itself."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    agents: Agents
    proxy: Proxy
    hasher: PasswordHasher
    nobody: str
    verifying: asyncio.Semaphore
    by_user: Attempts
    by_address: Attempts

    @classmethod
    def of(cls, pool: Any, agents: Agents, proxy: Proxy) -> "Gate":
        """Return a gate; raises ``Misconfigured`` for a header that would be believed from anybody."""
        if proxy.header and not proxy.addresses:
            raise Misconfigured("PRAZO_DESK_PROXY_HEADER needs PRAZO_DESK_PROXY_ADDRESSES: whom to believe")
        hasher = PasswordHasher()
        nobody = hasher.hash(secrets.token_hex(16))
        gates = Attempts(TRIES_PER_USER), Attempts(TRIES_PER_ADDRESS)
        return cls(pool, agents, proxy, hasher, nobody, asyncio.Semaphore(_AT_ONCE), *gates)

    def guarded(self, handler: Handler) -> Endpoint:
        """Return an endpoint for people who are logged in; forms must carry the session's token."""

        async def answer(request: Request) -> Response:
            shared: dict[str, Any] = {}
            try:
                token, found = await self._session(request, clock.now())
                if found is None:
                    return await self._to_login(request)
                agent = self.agents.agents[found]
                shared = {"agent": agent, "csrf": csrf_of(token)}
                form = await read_form(request) if request.method == "POST" else {}
                if request.method == "POST" and not is_csrf(token, form.get("csrf", "")):
                    return _other_session(request, form, shared)
                language = language_of(request, agent.language)
                return await handler(Visit(request, found, agent, csrf_of(token), language, form, clock.now()))
            except Refused as refused:
                return wrong(request, refused, **shared)
            except _AWAY as error:
                log.warning("desk_page_failed", error=type(error).__name__)
                return wrong(request, Refused(503, "try_again"), **shared)
            except Exception as error:  # noqa: BLE001  # the edge: whatever breaks a page, people read a page that says so
                log.error(
                    "desk_page_broken", error=type(error).__name__, at=_place(error)
                )  # no message: it may hold data
                return wrong(request, Refused(500, "broken"), **shared)

        return answer

    async def login(self, request: Request) -> Response:
        """Ask for user and password, or take them."""
        language = language_of(request)
        try:
            if self.proxy.header:
                raise Refused(403, "login_proxy")
            if request.method != "POST":
                said = "logged_out" if "out" in request.query_params else ""
                return login_page(language, local_path(request.query_params.get("next", "")), said=said)
            form = await read_form(request)
            following, kept = local_path(form.get("next", "")), form.get("kept", "")
            user, now = form.get("user", "").strip().lower()[:64], clock.now()
            if not (self.by_address.take(self._address(request), now) and self.by_user.take(user, now)):
                metrics.logins.labels("limited").inc()
                return login_page(language, following, status=429, user=user, kept=kept, error="login_limited")
            if not await self._proves(user, form.get("password", "")):
                metrics.logins.labels("wrong").inc()
                return login_page(language, following, status=401, user=user, kept=kept, error="login_wrong")
            self.by_user.succeeded(user)
            self.by_address.take_back(self._address(request))
            return await self._begin(request, user, following, now, kept)
        except Refused as refused:
            return wrong(request, refused)
        except _AWAY:
            return wrong(request, Refused(503, "try_again"))

    async def missing(self, request: Request) -> Response:
        """Say that there is no such page; where no page is named, show the list."""
        return wrong(request, Refused(404, "no_page")) if request.path_params.get("rest") else see_other("/desk")

    async def logout(self, visit: Visit) -> Response:
        """End the session."""
        await queries.end_session(self.pool, token_sha256=token_sha256(visit.request.cookies.get(COOKIE, "")))
        answer = see_other("/desk/login?out")
        answer.delete_cookie(
            COOKIE, path="/desk", secure=self._is_https(visit.request), httponly=True, samesite="strict"
        )
        return answer

    async def language(self, request: Request) -> Response:
        """Remember the language that was chosen."""
        answer = see_other(local_path(request.query_params.get("back", "")))
        chosen = request.query_params.get("to", "")
        if chosen in TEXTS:
            answer.set_cookie(
                LANGUAGE_COOKIE,
                chosen,
                max_age=365 * 86400,
                path="/desk",
                secure=self._is_https(request),
                httponly=True,
                samesite="lax",
            )
        return answer

    async def _session(self, request: Request, now: datetime) -> tuple[str, str | None]:
        """Return the token and the agent whose living session it is."""
        token = request.cookies.get(COOKIE, "")
        row = await queries.session_of(self.pool, token_sha256=token_sha256(token)) if token else None
        if row is None or not is_alive(row["created_at"], row["seen_at"], now):
            return token, None
        agent = self.agents.agents.get(row["agent"])
        if agent is None or credential_of(agent.password) != row["credential"]:
            return token, None
        if self.proxy.header and self._named(request) != row["agent"]:
            return token, None
        if now - row["seen_at"] >= TOUCH_EVERY:
            await queries.touch_session(self.pool, token_sha256=token_sha256(token), now=now)
        return token, str(row["agent"])

    async def _to_login(self, request: Request) -> Response:
        """Ask who it is; a form that was sent after its session ended is kept, to be sent again."""
        posted = request.method == "POST"
        following = request.url.path if posted else _here(request)
        if following == "/desk/logout":
            return see_other("/desk/login?out")
        kept = kept_of(await read_form(request)) if posted else ""
        named = self._named(request)
        if named is not None:
            return await self._begin(request, named, local_path(following), clock.now(), kept)
        if kept:
            return login_page(language_of(request), local_path(following), status=401, kept=kept, error="session_over")
        return see_other(f"/desk/login?next={quote(following, safe='')}")

    async def _begin(self, request: Request, agent_id: str, following: str, now: datetime, kept: str = "") -> Response:
        token, agent = secrets.token_urlsafe(32), self.agents.agents[agent_id]
        digest = token_sha256(token)
        credential = credential_of(agent.password)
        await queries.begin_session(self.pool, token_sha256=digest, agent=agent_id, credential=credential, now=now)
        metrics.logins.labels("ok").inc()
        log.info("desk_login", agent=agent_id)
        answer: Response = see_other(following)
        if kept:
            answer = resume_page(request, 200, following, kept, agent=agent, csrf=csrf_of(token))
        answer.set_cookie(
            COOKIE,
            token,
            max_age=int(LONGEST.total_seconds()),
            path="/desk",
            secure=self._is_https(request),
            httponly=True,
            samesite="strict",
        )
        return answer

    async def _proves(self, user: str, password: str) -> bool:
        """Tell whether it is the user's password; for an unknown user it takes as long."""
        agent = self.agents.agents.get(user)
        known = agent.password if agent is not None else None
        async with self.verifying:
            fits = await asyncio.to_thread(self._verify, known or self.nobody, password[:PASSWORD_LENGTH])
        return fits and known is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self.hasher.verify(password_hash, password)
        except InvalidHashError:
            log.warning("desk_password_hash_unusable")
            return False
        except VerificationError:
            return False

    def _peer(self, request: Request) -> str:
        return request.client.host if request.client is not None else ""

    def _believes(self, request: Request) -> bool:
        return self._peer(request) in self.proxy.addresses

    def _named(self, request: Request) -> str | None:
        """Return the agent that a believed proxy names."""
        said = request.headers.getlist(self.proxy.header) if self.proxy.header and self._believes(request) else []
        return said[0] if len(said) == 1 and said[0] in self.agents.agents else None

    def _address(self, request: Request) -> str:
        forwarded = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()[:64]
        return forwarded if forwarded and self._believes(request) else self._peer(request)

    def _is_https(self, request: Request) -> bool:
        forwarded = request.headers.get("x-forwarded-proto", "") if self._believes(request) else ""
        return (forwarded or request.url.scheme) == "https"


def _other_session(request: Request, form: Mapping[str, str], shared: Mapping[str, Any]) -> Response:
    """Let somebody who has logged in anew since send a form again; a browser that cannot say that it is ours sends none."""
    kept = kept_of(form) if request.headers.get("sec-fetch-site") == "same-origin" else ""
    if not kept:
        raise Refused(403, "stale_form")
    return resume_page(request, 403, local_path(request.url.path), kept, **shared)


def _place(error: Exception) -> str:
    """Return where it was raised."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{Path(last.filename).name}:{last.lineno}"


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")
