"""Everything under ``/v1``: which path knows which method, and what every answer has in common.

A source adds itself by one ``Resource``, which also says how the OpenAPI document describes it. Whatever is asked, also for a
path that is not there, an error is a problem detail. Requests without credentials are counted by peer address; whoever
has valid ones is never limited by what others at the address do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Receive, Scope, Send

from services.intake import metrics
from services.intake.domain.limits import Rate
from services.intake.sources.limits import Limiter
from services.intake.sources.problems import Problem, ProblemResponse, ProblemType, answer
from shared.web import peer_key

log = structlog.get_logger(__name__)

_OTHER = "other"


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of a path. ``public``: nobody has to prove who asks. ``described``: its OpenAPI operation object."""

    respond: Callable[[Request], Awaitable[Response]]
    described: Mapping[str, Any]
    public: bool = False


@dataclass(frozen=True, slots=True)
class Resource:
    """One path: ``name`` labels its metrics; ``components`` are added to those of the OpenAPI document."""

    name: str
    path: str
    operations: Mapping[str, Operation]
    accept_post: Sequence[str] = ()
    components: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)

    @property
    def allowed(self) -> str:
        """Return the value of the header Allow."""
        head = ["HEAD"] if "GET" in self.operations else []
        return ", ".join([*self.operations, *head, "OPTIONS"])


@dataclass(frozen=True, slots=True)
class Peers:
    """The limit of requests that prove nothing, by peer address."""

    limiter: Limiter
    rate: Rate

    def admit(self, request: Request) -> None:
        """Count one request; raises ``Problem`` 429 when there were too many."""
        host = request.client.host if request.client else None
        self.limiter.admit(peer_key(host), self.rate, "one address without valid credentials")


def api_routes(resources: Sequence[Resource], peers: Peers) -> list[BaseRoute]:
    """Return one route for each resource, and the last one for every other path under ``/v1``."""
    rest = [Resource(_OTHER, path, {}) for path in ("/v1", "/v1/{rest:path}")]
    return [Route(one.path, _Door(one, peers)) for one in [*resources, *rest]]


class _Door:
    """The ASGI application of one resource; it knows every method, so that each gets an answer of ours."""

    def __init__(self, resource: Resource, peers: Peers) -> None:
        self._resource, self._peers = resource, peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        loop, name = asyncio.get_running_loop(), self._resource.name
        began = loop.time()
        response = await self._respond(Request(scope, receive))
        if isinstance(response, ProblemResponse):
            response.record(name)
        await response(scope, receive, send)
        metrics.requests.labels(name, f"{response.status_code // 100}xx").inc()
        metrics.request_seconds.labels(name).observe(loop.time() - began)

    async def _respond(self, request: Request) -> Response:
        try:
            return await self._answer(request)
        except Problem as problem:
            return answer(problem)
        except Exception as error:  # noqa: BLE001  # the edge: a defect is an answer too, and its text may hold values
            log.error("request_failed", route=self._resource.name, error=type(error).__name__)
            return answer(Problem(ProblemType.INTERNAL, "The request could not be handled; it may have been taken."))

    async def _answer(self, request: Request) -> Response:
        resource = self._resource
        if resource.name == _OTHER:
            self._peers.admit(request)
            raise Problem(ProblemType.NOT_FOUND, "The paths are described at /v1/docs and /v1/openapi.json.")
        operation = resource.operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None or operation.public:
            self._peers.admit(request)
        if operation is not None:
            return await self._done(operation, request)
        allow = {"allow": resource.allowed}
        if request.method == "OPTIONS":
            posts = {"accept-post": ", ".join(resource.accept_post)} if resource.accept_post else {}
            return Response(status_code=204, headers=allow | posts)
        raise Problem(ProblemType.METHOD_NOT_ALLOWED, f"This path knows {resource.allowed}.", headers=allow)

    async def _done(self, operation: Operation, request: Request) -> Response:
        response = await operation.respond(request)
        if response.status_code == ProblemType.UNAUTHENTICATED.status and not operation.public:
            self._peers.admit(request)
        if request.method == "HEAD":
            response.body = b""  # its length stays in the header
        return response
