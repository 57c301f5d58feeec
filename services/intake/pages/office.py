"""What the pages work with, and the words for whoever looks at them."""

from dataclasses import dataclass

from services.intake.domain.acts import Choices
from services.intake.handlers.call_tickets import CallDesk
from services.intake.handlers.desk import Desk
from services.intake.pages.access import Visit
from services.intake.pages.view import View
from shared.catalog import Catalogs


@dataclass(frozen=True, slots=True)
class Office:
    """The desk, its telephone, and the catalog that names services and priorities."""

    desk: Desk
    calls: CallDesk
    catalogs: Catalogs

    def view(self, visit: Visit) -> View:
        """Return the words for a visitor."""
        known = self.desk.known
        return View(visit.language, visit.now, self.catalogs, known.clients, known.agents)

    def choices(self, view: View) -> Choices:
        """Return what may be chosen in forms."""
        return Choices(dict(view.services()), dict(view.priorities()), self.desk.known.agents.agents)
