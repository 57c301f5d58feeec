"""Somebody who can be told, and by which ways."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from services.notifier.domain.policies import Wait
from services.notifier.domain.wall_time import Hours
from shared.clients import Identifier
from shared.config import Part, Zone


def _one_line(value: str) -> str:
    if any(ord(c) < 0x20 or c in "\x7f\x85\u2028\u2029" for c in value):
        raise ValueError("control characters are not allowed")
    return value


Line = Annotated[str, AfterValidator(_one_line), Field(min_length=1, max_length=100)]
To = Annotated[str, AfterValidator(_one_line), Field(max_length=254)]


class Method(Part):
    """One way to reach somebody: by which channel, at which address, how long after a step falls due.

    ``to``: an e-mail address, or a number in E.164 for sms and voice; empty where the channel is itself the place. It never
    leaves the notifier but in the message itself.
    """

    by: Identifier
    to: To = ""
    after: Wait = timedelta(0)


class Person(Part):
    """Somebody who can be told. ``hours``: when loud methods may be used for what is no emergency; none: always.

    A method that failed for good moves on to the next one. ``agents``: the ids by which tickets name them.
    """

    name: Line
    language: Literal["pt-BR", "en"] = "pt-BR"
    zone: Zone = "America/Sao_Paulo"
    hours: tuple[Hours, ...] = Field((), max_length=21)
    holidays: Identifier | None = None
    """Days that count as a Sunday in ``hours``."""
    methods: tuple[Method, ...] = Field(min_length=1, max_length=10)
    agents: tuple[Line, ...] = Field((), max_length=20)

    @property
    def email(self) -> str:
        """Return the first address that is one of mail; "" without any."""
        return next((method.to for method in self.methods if "@" in method.to), "")
