"""Policy rule 8: messengers cannot be tracked, so a ticket that came by one has no clock and is not answered."""

from typing import Any

from shared.events.envelope import Event

MESSENGERS = frozenset({"whatsapp", "telegram", "skype", "messenger", "signal"})
RULE_8 = "messengers cannot be tracked and are not answered (policy rule 8)"


def by_messenger(event: Event[Any]) -> bool:
    """Tell whether ``event`` opens a ticket over a channel that rule 8 refuses, in any case."""
    channel = getattr(event.data, "channel", None)
    return event.type == "ticket.opened" and str(channel).strip().lower() in MESSENGERS
