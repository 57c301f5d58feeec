"""An alert's facts as people read them in a chat: named, in order, in their language."""

from collections.abc import Mapping, Sequence

_LABELS: Mapping[str, Mapping[str, str]] = {
    "pt-BR": {
        "ticket_id": "Chamado",
        "client": "Cliente",
        "service": "Serviço",
        "priority": "Prioridade",
        "due_at": "Prazo",
    },
    "en": {
        "ticket_id": "Ticket",
        "client": "Client",
        "service": "Service",
        "priority": "Priority",
        "due_at": "Due",
    },
}
_BUTTON = {"pt-BR": "Abrir e assumir", "en": "Open and acknowledge"}


def shown(facts: Mapping[str, str], language: str) -> Sequence[tuple[str, str]]:
    """Return label and value of the facts that people need, pt-BR for a language that we have not."""
    labels = _LABELS.get(language, _LABELS["pt-BR"])
    return [(label, facts[key]) for key, label in labels.items() if facts.get(key)]


def button(language: str) -> str:
    """Return what stands on the button that opens the page."""
    return _BUTTON.get(language, _BUTTON["pt-BR"])
