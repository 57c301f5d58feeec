"""Reading a request's body: how large, how long, of which media type, and JSON that says one thing only.

Decided here: a UTF-8 byte order mark is taken off (RFC 8259, section 8.1); charset may be UTF-8 or its part ASCII; no
Content-Encoding is taken, for bodies are small and what unpacks need not be; a name that stands twice in one object, NaN,
lone surrogates and integers beyond 64 bits are refused, for two readers would understand two things.
"""

import asyncio
import json
from collections.abc import Sequence
from email.message import Message
from typing import Any

from starlette.requests import ClientDisconnect, Request

from services.intake.sources.problems import Problem, ProblemType, error_of
from shared.events import Undecodable, loads
from shared.web import body_within

_BOM = b"\xef\xbb\xbf"
_CHARSETS = frozenset({"utf-8", "utf8", "us-ascii", "ascii"})
_INTEGERS = range(-(2**63), 2**64)
_SHOWN = 60


def media_type(request: Request, taken: Sequence[str]) -> str:
    """Return the body's media type, one of ``taken``; raises ``Problem`` 415 also for a charset or an encoding."""
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        detail = "Send the body as it is, without Content-Encoding."
        raise Problem(ProblemType.UNSUPPORTED_ENCODING, detail, headers={"accept-encoding": "identity"})
    header = Message()
    header["content-type"] = request.headers.get("content-type", "").replace("\r", "").replace("\n", "")
    kind = header.get_content_type() if header["content-type"] else ""
    charset = str(header.get_param("charset") or "utf-8").lower()
    if kind not in taken or charset not in _CHARSETS:
        detail = f"Content-Type must be one of {', '.join(taken)}, in UTF-8."
        raise Problem(ProblemType.UNSUPPORTED_MEDIA_TYPE, detail, headers={"accept-post": ", ".join(taken)})
    return kind


async def read_body(request: Request, limit_bytes: int, seconds: float) -> bytes:
    """Return the whole body, or raise ``Problem`` 413, 408, or 400 when the sender went away."""
    too_large = Problem(ProblemType.BODY_TOO_LARGE, f"The body has more than {limit_bytes} bytes.")
    if int(request.headers.get("content-length", "0")) > limit_bytes:  # digits: the server has seen to it
        raise too_large
    try:
        async with asyncio.timeout(seconds):
            body = await body_within(request, limit_bytes)
    except TimeoutError:
        raise Problem(ProblemType.BODY_TIMEOUT, f"The body did not arrive within {seconds:g} seconds.") from None
    except ClientDisconnect:
        raise Problem(ProblemType.MALFORMED, "The body did not arrive whole.") from None
    if body is None:
        raise too_large
    return body


def strict_json(body: bytes) -> Any:
    """Return the JSON value of a body, or raise ``Problem`` 400 that names what is wrong with it."""
    body = body.removeprefix(_BOM)
    try:
        parsed = loads(body)
    except Undecodable as wrong:
        what = "is not JSON" if wrong.reason == "not_json" else wrong.detail
        rule = wrong.detail if wrong.reason == "not_json" else "nested too deep"
        raise Problem(ProblemType.MALFORMED, f"The body {what}.", error_of("body", rule)) from None
    json.loads(body, object_pairs_hook=_once, parse_int=_kept, parse_float=str)
    return parsed


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        seen: set[str] = set()
        name = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]  # None
        rule = "this name stands twice in one object"
        raise Problem(ProblemType.MALFORMED, "A name stands twice in one object.", error_of(name[:_SHOWN], rule))
    return found


def _kept(digits: str) -> str:
    if len(digits) > 20 or int(digits) not in _INTEGERS:
        rule = "an integer beyond 64 bits cannot be kept: send it as a string"
        raise Problem(ProblemType.MALFORMED, "An integer has more than 64 bits.", error_of("body", rule))
    return digits
