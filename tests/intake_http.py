"""intake's HTTP interface as a server on loopback, for tests that need what only a real one does."""

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

from services.intake.app import http_routes
from services.intake.domain.limits import Rate
from services.intake.domain.tokens import PUBLISHABLE, Token
from services.intake.handlers.desk import Desk
from services.intake.settings import Settings
from services.intake.sources.calls import CallsEndpoint
from services.intake.sources.events import EventsEndpoint
from services.intake.sources.limits import Limiter
from services.intake.sources.openapi_calls import calls_resource
from services.intake.sources.openapi_events import events_resource
from services.intake.sources.publishers import Publishers
from shared.web import Server, web_app
from tests.reading import NOTHING_KNOWN, read

SECRET = "canary-s3cret-of-a-test"
CALL_KEY = b"k" * 32
PATIENT = Rate(per_second=10_000, burst=100_000)


def token(rate: Rate = PATIENT, **changes: Any) -> Token:
    """Return the CRM's token: it may send everything of ``crm/``."""
    digest = hashlib.sha256(SECRET.encode()).hexdigest()
    whole = {"name": "crm", "sha256": digest, "source_prefix": "crm/", "types": PUBLISHABLE, "rate": rate, **changes}
    return Token(**whole)


@asynccontextmanager
async def serving(
    pool: Any,
    tokens: Sequence[Token] = (),
    peer: Rate = PATIENT,
    call_keys: Mapping[str, Sequence[bytes]] | None = None,
) -> AsyncIterator[str]:
    """Serve on a free port of loopback and give its URL."""
    desk = Desk(pool, "tickets.v1", "notices.v1", NOTHING_KNOWN, read)
    now = asyncio.get_running_loop().time
    events = EventsEndpoint(desk, Publishers(tokens or [token()]), Limiter("token", now))
    calls = CallsEndpoint(desk, call_keys or {"matriz": [CALL_KEY]}, asyncio.Event())
    settings = Settings(database_url="", http_peer_per_second=peer.per_second, http_peer_burst=peer.burst)
    server = Server(
        web_app(_fine, _fine, http_routes([events_resource(events), calls_resource(calls)], settings)), "127.0.0.1", 0
    )
    running = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        await running


async def _fine() -> Mapping[str, str]:
    return {}
