"""What every page shares: headers, the style with its hash, forms of bounded size, answers without a notice."""

import asyncio
import base64
import functools
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from markupsafe import Markup
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, Response

from services.notifier.content import render
from services.notifier.texts import TEXTS
from shared.web import body_within

FORM_BYTES, FORM_SECONDS, FORM_FIELDS = 4096, 15, 10
_CSS = Path(__file__).parents[1] / "templates" / "page.css"


class Refused(Exception):
    """A request is not taken: ``status``, and ``text``, the key of what people read."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


@functools.cache
def style() -> Markup:
    """Return the style that stands in every page; it is ours, and nothing of it is escaped."""
    return Markup(_CSS.read_text(encoding="utf-8"))  # noqa: S704  # a file of ours


@functools.cache
def headers() -> Mapping[str, str]:
    """Return the headers of every answer: kept nowhere, told nowhere, framed nowhere, and no script at all."""
    digest = base64.b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; img-src data:; form-action 'self'; base-uri 'none'"
    return {
        "Cache-Control": "no-store",
        "Referrer-Policy": "no-referrer",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex, nofollow",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Content-Security-Policy": f"{policy}; frame-ancestors 'none'",
    }


def wants_json(request: Request) -> bool:
    """Tell whether a program asks."""
    accept = request.headers.get("accept", "")
    return "application/json" in accept and "text/html" not in accept


def page(template: str, status: int = 200, **values: Any) -> Response:
    """Return a rendered page."""
    return HTMLResponse(render(template, css=style(), **values), status_code=status, headers=dict(headers()))


def data(values: Mapping[str, Any], status: int = 200) -> Response:
    """Return the same as data."""
    return JSONResponse(dict(values), status_code=status, headers=dict(headers()))


def refusal(request: Request, refused: Refused) -> Response:
    """Return the answer to what was not taken, in both languages: whose link it is may be unknown."""
    said = [(language, TEXTS[language][refused.text]) for language in TEXTS]
    if wants_json(request):
        answer = data({"error": refused.text, "detail": TEXTS["en"][refused.text]}, refused.status)
    else:
        answer = page("refused.html", refused.status, language="pt-BR", title=TEXTS["pt-BR"]["refused"], said=said)
    if refused.status == 429:
        answer.headers["Retry-After"] = "60"
    return answer


def see_other(path: str) -> Response:
    """Return the answer to a form that was taken: look there. ``path`` is relative, whatever stands before ours outside."""
    return Response(status_code=303, headers={**headers(), "Location": path})


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a posted form, none of an empty body; raises ``Refused`` for what no page of ours sends."""
    try:
        async with asyncio.timeout(FORM_SECONDS):
            body = await body_within(request, FORM_BYTES)
        if body is None:
            raise Refused(413, "bad_form")
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if body and kind != "application/x-www-form-urlencoded":
            raise Refused(415, "bad_form")
        return dict(parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS))
    except (TimeoutError, ClientDisconnect, ValueError):  # ValueError: not UTF-8, or too many fields
        raise Refused(400, "bad_form") from None
