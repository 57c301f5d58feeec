"""Answers that say what is wrong: RFC 9457 problem details with a closed set of types, each explained at ``/v1/docs``.

A problem never repeats a value of the request, but for the name of a field.
"""

import re
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from enum import Enum
from typing import Any

import asyncpg
import structlog
from starlette.responses import JSONResponse, Response

from services.intake import metrics
from shared.postgres import is_of_the_data

log = structlog.get_logger(__name__)

PROBLEM_JSON = "application/problem+json"
RETRY_SECONDS = 5  # after which what could not be stored may be sent again


class ProblemType(Enum):
    """Each type of problem: its status, its title, and what the sender does about it."""

    MALFORMED = (400, "The request cannot be read", "Mend the body or the headers; the same request fails again.")
    UNAUTHENTICATED = (401, "Valid credentials are needed", "Send a token, or a signature, that this service knows.")
    NOT_ALLOWED = (403, "Not allowed to these credentials", "Ask operations for a token that may send it.")
    NOT_FOUND = (404, "There is nothing at this path", "See the paths of this document.")
    METHOD_NOT_ALLOWED = (405, "This path does not know the method", "Use a method that the header Allow names.")
    BODY_TIMEOUT = (408, "The body did not arrive in time", "Send the request again.")
    CONFLICT = (409, "It exists with other content", "Another event needs another id; the first one stands.")
    BODY_TOO_LARGE = (413, "The body is too large", "Send smaller batches.")
    UNSUPPORTED_MEDIA_TYPE = (415, "This media type is not taken", "Use a type that the header Accept-Post names.")
    UNSUPPORTED_ENCODING = (415, "Compressed bodies are not taken", "Send the body without Content-Encoding.")
    INVALID = (422, "The content breaks the contract", "Mend what errors names; the same content fails again.")
    REFUSED_BY_POLICY = (422, "The support policy refuses it", "Do not send it again; errors names the rule.")
    RATE_LIMITED = (429, "Too many requests", "Send the same request again after Retry-After seconds.")
    INTERNAL = (500, "A defect of this service", "Send the request again; tell operations the instance if it stays.")
    UNAVAILABLE = (503, "It could not be stored now", "Send the same request again after Retry-After seconds.")

    def __init__(self, status: int, title: str, remedy: str) -> None:
        self.status, self.title, self.remedy = status, title, remedy

    @property
    def slug(self) -> str:
        """Return the word that ends its type URI and labels its metric."""
        return self.name.lower().replace("_", "-")

    @property
    def type(self) -> str:
        """Return the type URI: a reference to where this service explains it, compared as it stands."""
        return f"/v1/docs#{self.slug}"


for _kind in ProblemType:
    metrics.problems.labels(_kind.slug)


class Problem(Exception):
    """An answer that is no success: its kind, a sentence about this occurrence, and errors with field and rule."""

    def __init__(
        self, kind: ProblemType, detail: str, *errors: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.kind, self.detail, self.errors, self.headers = kind, detail, errors, headers or {}


def error_of(field: str, rule: str, index: int | None = None) -> Mapping[str, Any]:
    """Return one entry of ``errors``; ``field`` is a path such as ``data.documents[0]``, ``index`` the event in a batch."""
    path = re.sub(r"\.(\d+)(?=[.\[]|$)", r"[\1]", field)
    return {"field": path, "rule": rule} if index is None else {"index": index, "field": path, "rule": rule}


class ProblemResponse(JSONResponse):
    """A problem as a response; its ``instance`` is new."""

    def __init__(self, problem: Problem) -> None:
        self.kind, self.instance = problem.kind, f"urn:uuid:{uuid.uuid4()}"
        body = {
            "type": self.kind.type,
            "title": self.kind.title,
            "status": self.kind.status,
            "detail": problem.detail,
            "instance": self.instance,
            "errors": list(problem.errors),
        }
        headers = {"cache-control": "no-store", **_RETRY.get(self.kind, {}), **problem.headers}
        super().__init__(body, status_code=self.kind.status, media_type=PROBLEM_JSON, headers=headers)

    def record(self, route: str) -> None:
        """Count it, and log its instance, so that a report of it can be found again; nobody may fill the log with 429s."""
        metrics.problems.labels(self.kind.slug).inc()
        if self.kind is not ProblemType.RATE_LIMITED:
            log.info("request_refused", route=route, problem=self.kind.slug, instance=self.instance)


def answer(problem: Problem) -> Response:
    """Return the response of a problem."""
    return ProblemResponse(problem)


_RETRY = {ProblemType.UNAVAILABLE: {"retry-after": str(RETRY_SECONDS)}}


@asynccontextmanager
async def storing(what: str) -> AsyncIterator[None]:
    """Turn what PostgreSQL raises inside into a problem: 422 for data that no table can hold, else 503."""
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError, TimeoutError) as error:
        if is_of_the_data(error):
            raise Problem(ProblemType.INVALID, f"The {what} cannot be stored, now or ever.") from None
        log.warning("store_deferred", what=what, error=type(error).__name__)
        raise Problem(
            ProblemType.UNAVAILABLE, f"The {what} could not be stored now; nothing of it was taken."
        ) from None
