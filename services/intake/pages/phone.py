"""The form that a person fills in while speaking: it opens a ticket that is answered from the start."""

import secrets
from collections.abc import Sequence
from datetime import timedelta

from starlette.responses import Response

from services.intake.domain.acts import Wrong
from services.intake.domain.message import TITLE_LENGTH
from services.intake.handlers.call_form import FormCall, record_form_call
from services.intake.pages.access import Visit
from services.intake.pages.contacts import ticket_path
from services.intake.pages.office import Office
from services.intake.pages.view import View
from services.intake.pages.web import Refused, page, see_other
from services.intake.store.calls import ToComplete, calls_to_complete

CALLS = 20
_CALLS_SINCE = timedelta(hours=12)
_SEPARATOR = "/"  # no name of an exchange has one


class PhoneForm:
    """The page ``/desk/phone``."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def answer(self, visit: Visit) -> Response:
        """Show the form, or record the call and show its ticket."""
        waiting = await calls_to_complete(self._office.desk.pool, visit.now - _CALLS_SINCE, CALLS)
        view = self._office.view(visit)
        if visit.request.method != "POST":
            return self._show(visit, view, waiting, secrets.token_urlsafe(24))
        form_id = visit.form.get("form_id", "")
        if not 20 <= len(form_id) <= 64 or not form_id.isascii() or not form_id.isprintable():
            raise Refused(400, "stale_form")
        try:
            form = self._read(visit, view, waiting, form_id)
        except Wrong as wrong:
            return self._show(visit, view, waiting, form_id, wrong)
        ticket_id = await record_form_call(self._office.calls, form)
        return see_other(f"{ticket_path(ticket_id)}?done=phone")

    def _read(self, visit: Visit, view: View, waiting: Sequence[ToComplete], form_id: str) -> FormCall:
        said = {name: " ".join(value.split()) for name, value in visit.form.items() if name != "call"}
        number, title, service, client = (said.get(name, "") for name in ("number", "title", "service", "client"))
        if number and self._office.calls.phone.number(number, "") is None:
            raise Wrong("number", "bad_number")
        if service not in dict(view.services()):
            raise Wrong("service", "unknown_choice" if service else "required")
        if client and client not in dict(view.clients()):
            raise Wrong("client", "unknown_choice")
        if not title:
            raise Wrong("title", "required")
        if len(title) > TITLE_LENGTH:
            raise Wrong("title", "too_long")
        call = next((one.call for one in waiting if _SEPARATOR.join(one.call) == visit.form.get("call", "")), None)
        return FormCall(form_id, number, client or None, service, title, visit.agent_id, visit.now, call)

    def _show(
        self, visit: Visit, view: View, waiting: Sequence[ToComplete], form_id: str, wrong: Wrong | None = None
    ) -> Response:
        calls = [(_SEPARATOR.join(one.call), self._named(one, view)) for one in waiting]
        return page(
            "phone.html",
            visit.language,
            200 if wrong is None else 422,
            **visit.shared,
            form=visit.form,
            form_id=form_id,
            services=view.services(),
            clients=view.clients(),
            calls=calls,
            wrong=wrong,
        )

    @staticmethod
    def _named(one: ToComplete, view: View) -> str:
        said = (
            view.moment(one.entered_at),
            one.number or view.t["unknown"],
            one.client_id and view.client(one.client_id),
            one.ticket_id and f"{view.t['protocol']} {one.ticket_id}",
        )
        return " · ".join(filter(None, said))
