"""Who is on call and in which order they are told. Read from ``oncall.yaml``; all its errors are reported at once."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from shared.config import Duration, Part, Zone


def _one_line(value: str) -> str:
    if any(ord(c) < 0x20 or c in "\x7f\u2028\u2029" for c in value):
        raise ValueError("control characters are not allowed")
    return value


Line = Annotated[str, AfterValidator(_one_line)]
Address = Annotated[str, Field(pattern=r"^[^\s@<>,;:\"]+@[^\s@<>,;:\"]+$", max_length=254)]


class Person(Part):
    """Somebody who can be told; ``email`` never leaves the notifier but in the mail itself."""

    name: Line
    language: Literal["pt-BR", "en"] = "pt-BR"
    zone: Zone = "America/Sao_Paulo"
    email: Address


class Step(Part):
    """One rung: on which event, how long after it, and who (a layer of ``on_call`` or a person)."""

    on: Annotated[str, Field(pattern=r"^(breached|warning( ([1-9]\d?%|\d+[hms]))?)$")]
    after: Duration = timedelta(0)
    to: str


class OnCall(Part):
    """The file ``oncall.yaml``."""

    people: dict[Line, Person] = Field(min_length=1)
    on_call: dict[str, str]
    steps: tuple[Step, ...] = Field(min_length=1)
    repeat_every: Duration = timedelta(minutes=10)
    repeats: int = Field(6, ge=0, le=100)

    @model_validator(mode="after")
    def _names_exist(self) -> "OnCall":
        wrong = list(self._wrong())
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _wrong(self) -> Iterator[str]:
        for layer, person in self.on_call.items():
            if person not in self.people:
                yield f"on_call.{layer}: no such person"
        for i, step in enumerate(self.steps):
            if step.to not in self.on_call and step.to not in self.people:
                yield f"steps.{i}.to: neither a layer of on_call nor a person"
        if not any(step.on == "breached" for step in self.steps):
            yield "steps: nobody is told of a breach"
        if self.repeats and self.repeat_every <= timedelta(0):
            yield "repeat_every: must be more than zero"

    def person_of(self, name: str) -> str:
        """Return the person of a layer now, or the person so named."""
        return self.on_call.get(name, name)
