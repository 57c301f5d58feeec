"""What another system says over HTTP, fit for a topic: its free texts masked as titles of mails are (the public contract). Pure.

Texts are the title, every reason in words, and all strings in fields that the contract does not know. Ids stay as they are,
but ``contact_ref`` must be none that names a person.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel

from services.intake.domain.masks import masked
from services.intake.domain.message import TITLE_LENGTH
from shared.events import Event

_TEXTS = ("scope_reason", "coverage_reason", "why")
_TRACES = frozenset({"traceparent", "tracestate", "receivedat"})
_OPAQUE = "must be an opaque id, not an address or a telephone number"

M = TypeVar("M", bound=BaseModel)


def indiscreet(event: Event[Any]) -> tuple[str, str] | None:
    """Return (field, rule) where an id says who somebody is, or None."""
    ref = getattr(event.data, "contact_ref", None) or ""
    return ("data.contact_ref", _OPAQUE) if "@" in ref or ref.startswith("+") else None


def discreet(event: Event[Any]) -> Event[Any]:
    """Return the event with its free texts masked; what the sender left out stays left out."""
    data = event.data
    said = {name: getattr(data, name) for name in (*_TEXTS, "title") if name in data.model_fields_set}
    texts = {name: masked(text) for name, text in said.items() if isinstance(text, str)}
    if "title" in texts:
        texts["title"] = texts["title"][:TITLE_LENGTH]
    return _unknown_masked(event).model_copy(update={"data": _unknown_masked(data).model_copy(update=texts)})


def _unknown_masked(model: M) -> M:
    unknown = {name: value for name, value in (model.model_extra or {}).items() if name not in _TRACES}
    return model.model_copy(update={name: _masked(value) for name, value in unknown.items()})


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value) if masked(value) != " ".join(value.split()) else value
    if isinstance(value, Mapping):
        return {name: _masked(one) for name, one in value.items()}
    return [_masked(one) for one in value] if isinstance(value, list) else value
