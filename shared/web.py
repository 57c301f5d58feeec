"""HTTP of a service: /livez (its loops turn), /readyz (what it needs answers), /metrics, and its own routes."""

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
