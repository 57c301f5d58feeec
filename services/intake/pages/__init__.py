"""The desk pages: server-rendered, without scripts, pt-BR first; a desk without any other help desk can live with them."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route

from services.intake.pages.access import Gate
from services.intake.pages.contacts import Contacts
from services.intake.pages.office import Office
from services.intake.pages.phone import PhoneForm
from services.intake.pages.ticket import TicketPage
from services.intake.pages.web import stylesheet

_BOTH = ["GET", "HEAD", "POST"]


def routes(gate: Gate, office: Office) -> Sequence[BaseRoute]:
    """Return the routes; HEAD is answered like GET and changes as little."""
    contacts = Contacts(office)
    return [
        Route("/desk", gate.guarded(contacts.tickets), methods=["GET", "HEAD"]),
        Route("/desk/login", gate.login, methods=_BOTH),
        Route("/desk/logout", gate.guarded(gate.logout), methods=["POST"]),
        Route("/desk/language", gate.language, methods=["GET"]),
        Route("/desk/style.css", stylesheet, methods=["GET", "HEAD"]),
        Route("/desk/phone", gate.guarded(PhoneForm(office).answer), methods=_BOTH),
        Route("/desk/discarded", gate.guarded(contacts.discarded), methods=_BOTH),
        Route("/desk/tickets/{ticket_id:path}", gate.guarded(TicketPage(office).answer), methods=_BOTH),
        Route("/desk/{rest:path}", gate.missing, methods=["GET", "HEAD"]),
        Route("/", gate.missing, methods=["GET", "HEAD"]),
    ]
