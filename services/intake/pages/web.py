"""What every desk page shares: headers, templates, forms of bounded size, the language."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.intake.texts import TEXTS
from shared.templates import templates_in
from shared.web import body_within

HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
}
FORM_BYTES, FORM_SECONDS, FORM_FIELDS = 64 * 1024, 30, 50
KEPT_LENGTH = 16 * 1024  # characters; written into a form once more it stays below FORM_BYTES
LANGUAGE_COOKIE = "prazo_desk_language"
_FOLDER = Path(__file__).parents[1] / "templates"
_templates = templates_in(_FOLDER)


class Refused(Exception):
    """A page is not given: ``status``, and ``text``, the key of what people read."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


def page(template: str, language: str, status: int = 200, **values: Any) -> HTMLResponse:
    """Return a rendered page; every value is escaped, an undefined name is an error."""
    html = _templates.get_template(template).render(t=TEXTS[language], language=language, **values)
    return HTMLResponse(html, status_code=status, headers=HEADERS)


def see_other(path: str) -> RedirectResponse:
    """Return the answer to a form that was taken: look there."""
    return RedirectResponse(path, status_code=303, headers=HEADERS)


def login_page(
    language: str, following: str, *, status: int = 200, user: str = "", said: str = "", error: str = "", kept: str = ""
) -> Response:
    """Return the log-in page; ``said`` and ``error`` are keys of texts, ``kept`` is a form to be sent after it."""
    return page(
        "login.html",
        language,
        status,
        agent=None,
        next=following,
        here="/desk/login",
        user=user,
        said=said,
        error=error,
        kept=kept,
    )


def wrong(request: Request, refused: Refused, agent: Any = None, csrf: str = "") -> Response:
    """Return the page that says why another one is not given, in the language and the frame of who is logged in."""
    language = language_of(request, agent.language if agent else None)
    return page("wrong.html", language, refused.status, agent=agent, csrf=csrf, here="/desk", text=refused.text)


def resume_page(request: Request, status: int, path: str, kept: str, *, agent: Any, csrf: str) -> Response:
    """Return the page by which a form is sent again to ``path`` in a new session."""
    language = language_of(request, agent.language)
    return page("resume.html", language, status, fields=fields_of(kept), agent=agent, csrf=csrf, here=path)


async def stylesheet(_: Request) -> Response:
    """Return the style of every page; it is asked for again after an hour."""
    css = (_FOLDER / "desk.css").read_text(encoding="utf-8")
    return Response(css, media_type="text/css", headers={**HEADERS, "Cache-Control": "public, max-age=3600"})


async def read_form(request: Request) -> Mapping[str, str]:
    """Return the fields of a posted form; raises ``Refused`` for another site's form and for what no page of ours sends."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Refused(403, "stale_form")
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise Refused(415, "stale_form")
    try:
        async with asyncio.timeout(FORM_SECONDS):
            body = await body_within(request, FORM_BYTES)
        if body is None:
            raise Refused(413, "too_large")
        fields = parse_qsl(body.decode(), keep_blank_values=True, max_num_fields=FORM_FIELDS)
    except (TimeoutError, ClientDisconnect, ValueError):  # ValueError: not UTF-8, or too many fields
        raise Refused(400, "stale_form") from None
    return {name: value.replace("\0", "\ufffd") for name, value in fields}


def kept_of(form: Mapping[str, str]) -> str:
    """Return a form as one text that the log-in page can carry; "" for one that is too long for that."""
    text = urlencode({name: value for name, value in form.items() if name != "csrf"})
    return text if len(text) <= KEPT_LENGTH else ""


def fields_of(kept: str) -> Sequence[tuple[str, str]]:
    """Return the fields of a form that the log-in page carried."""
    try:
        return [
            pair for pair in parse_qsl(kept, keep_blank_values=True, max_num_fields=FORM_FIELDS) if pair[0] != "csrf"
        ]
    except ValueError:
        raise Refused(400, "stale_form") from None


def language_of(request: Request, own: str | None = None) -> str:
    """Return what was chosen, else the person's own, else what the browser prefers of the two, else pt-BR."""
    chosen = request.cookies.get(LANGUAGE_COOKIE, own or "")
    if chosen in TEXTS:
        return chosen
    for one in request.headers.get("accept-language", "").lower().split(",")[:10]:
        word = one.partition(";")[0].strip()[:2]
        if word in ("pt", "en"):
            return "en" if word == "en" else "pt-BR"
    return "pt-BR"


def local_path(text: str) -> str:
    """Return a path of the desk pages, ``/desk`` for anything else: nobody is sent to another site."""
    fine = text.startswith("/desk") and "\\" not in text and "//" not in text and text.isprintable()
    return text if fine and len(text) <= 1000 else "/desk"
