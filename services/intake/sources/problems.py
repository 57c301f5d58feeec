"""What the HTTP endpoints share: a body of bounded size and time, and answers that say what is wrong (RFC 9457)."""

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response


class Problem(Exception):
    """An answer that is not 202: status, title and the errors with index, field and rule."""

    def __init__(self, status: int, title: str, *errors: Mapping[str, Any]) -> None:
        super().__init__(title)
        self.status, self.title, self.errors = status, title, errors


def answer(problem: Problem) -> Response:
    """Return the response of a problem."""
    body = {"type": "about:blank", "title": problem.title, "status": problem.status, "errors": list(problem.errors)}
    return JSONResponse(body, status_code=problem.status, media_type="application/problem+json")


async def body_of(request: Request, limit_bytes: int, seconds: int) -> bytes:
    """Return the body, or raise ``Problem``: 413 beyond ``limit_bytes``, 408 after ``seconds``, 400 when it breaks off."""
    parts, size = [], 0
    try:
        async with asyncio.timeout(seconds):
            async for part in request.stream():
                size += len(part)
                if size > limit_bytes:
                    raise Problem(413, f"The body is larger than {limit_bytes} bytes")
                parts.append(part)
    except TimeoutError:
        raise Problem(408, f"The body did not arrive within {seconds} seconds") from None
    except ClientDisconnect:
        raise Problem(400, "The body did not arrive whole") from None
    return b"".join(parts)
