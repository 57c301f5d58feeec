"""The acknowledgement pages over a fresh database, and a browser without scripts: it follows redirects, keeps nothing."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

import httpx
from starlette.applications import Starlette

from services.notifier.composing import Composer
from services.notifier.domain.message import Outcome, Result
from services.notifier.pages import Pages
from shared import clock
from tests.notifier_line import KEY, ONCALL, Line, sla

REFUSED = Result(Outcome.FAILED_PERMANENT, "mailbox_full")
LONG = "Emissão parada em todas as filiais desde cedo: rejeição 215, falha no schema XML do grupo de pagamento da NF-e"


def app(line: Line, *keys: bytes) -> Starlette:
    """Return the pages as an application; links are signed with ``KEY``."""
    composer = Composer(line.duty, KEY, "http://x")
    return Starlette(routes=Pages(line.duty, composer, keys or (KEY,)).routes())


def browser(line: Line, *keys: bytes, peer: str = "127.0.0.1", **headers: str) -> httpx.AsyncClient:
    """Return somebody's browser."""
    transport = httpx.ASGITransport(app(line, *keys), client=(peer, 1))
    headers = {"accept": "text/html,*/*;q=0.8", **headers}
    return httpx.AsyncClient(transport=transport, base_url="http://x", follow_redirects=True, headers=headers)


async def link_to(line: Line, person: str = "ana") -> str:
    """Return the link in the last message to a person."""
    notice_no = await line.duty.pool.fetchval("SELECT max(notice_no) FROM notice WHERE person = $1", person)
    return Composer(line.duty, KEY, "http://x").link(notice_no, person)


def due(minutes: float) -> str:
    """Return an instant from now on, as an event says it."""
    return (clock.now() + timedelta(minutes=minutes)).isoformat().replace("+00:00", "Z")


def late(subject: str = "4821", minutes: float = -12, **more: Any) -> Any:
    """Return a breach."""
    return sla("breached", subject=subject, due_at=due(minutes), **more)


def soon(subject: str = "4821", minutes: float = 12, **more: Any) -> Any:
    """Return a warning."""
    return sla("warning", subject=subject, threshold="80%", due_at=due(minutes), **more)


def text_of(page: httpx.Response) -> str:
    """Return what people read of a page, on one line."""
    body = page.text[page.text.index("<main") :]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", body)).split())


def state_of(page: httpx.Response) -> str:
    """Return how the page says it stands."""
    found = re.search(r'data-state="(\w+)"', page.text)
    return found.group(1) if found else ""


async def told(pool: Any, *events: Any, oncall: dict[str, Any] = ONCALL, **channels: Any) -> Line:
    """Return a line whose people have been told of events."""
    line = Line.of(pool, oncall, **channels)
    await line.hear(*events)
    await line.turn()
    return line
