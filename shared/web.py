"""HTTP of a service: /livez (its loops turn), /readyz (what it needs answers), /metrics, its own routes, and what those share."""

import ipaddress
from collections.abc import Awaitable, Callable, Mapping, Sequence

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

Check = Callable[[], Awaitable[Mapping[str, str]]]


def web_app(live: Check, ready: Check, routes: Sequence[BaseRoute]) -> Starlette:
    """Return the ASGI application; a check returns what is wrong by name, and 503 lists it."""

    def probe(check: Check) -> Callable[[Request], Awaitable[Response]]:
        async def answer(_: Request) -> Response:
            wrong = await check()
            return JSONResponse({"wrong": dict(wrong)}, status_code=503 if wrong else 200)

        return answer

    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), headers={"content-type": CONTENT_TYPE_LATEST})

    own = [Route("/livez", probe(live)), Route("/readyz", probe(ready)), Route("/metrics", metrics)]
    return Starlette(routes=[*own, *routes])


class Server(uvicorn.Server):
    """A server inside our own event loop that leaves the signals to the runtime."""

    def __init__(self, app: Starlette, host: str, port: int) -> None:
        super().__init__(
            uvicorn.Config(
                app,
                host=host,
                port=port,
                log_config=None,
                access_log=False,
                lifespan="off",
                timeout_keep_alive=30,
                timeout_graceful_shutdown=5,
                limit_concurrency=500,
                server_header=False,
                proxy_headers=False,  # who is connected is who is connected; intake's desk pages know their proxies
            )
        )

    def install_signal_handlers(self) -> None:
        """Do nothing: the runtime owns SIGTERM and SIGINT."""


def peer_key(host: str | None) -> str:
    """Return what an address is counted as: itself, of IPv6 the network of one household (/64)."""
    try:
        address = ipaddress.ip_address((host or "").partition("%")[0])
    except ValueError:  # what a proxy wrote, or no address at all
        return (host or "")[:64]
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))


async def body_within(request: Request, limit_bytes: int) -> bytes | None:
    """Return the whole body, None of a larger one, of which no more is read; raises ``ClientDisconnect`` when it breaks off.

    How long it may take is for the caller to say (``asyncio.timeout``).
    """
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > limit_bytes:
            return None
    return bytes(body)
