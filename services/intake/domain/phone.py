"""The telephone as ``phone.yaml`` says: exchanges, trunks, what a misdial is, what is blocked."""

from datetime import timedelta
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from services.intake.domain.agents import Agents
from services.intake.domain.numbers import e164
from shared.clients import Clients
from shared.config import Part

FORM = "form"
"""In place of an exchange: a person who fills in while speaking."""

Name = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]
Ddd = Annotated[str, Field(pattern=r"^[1-9][1-9]$")]
FileName = Annotated[str, Field(min_length=1, max_length=200)]


def _number(text: str) -> str:
    number = e164(text)
    if number is None:
        raise ValueError("must be a telephone number with its DDD")
    return number


Number = Annotated[str, AfterValidator(_number)]


class Ami(Part):
    """An Asterisk whose manager interface is read. ``secret_file`` lies in the folder of secrets.

    ``queue_log``: the path of its queue_log, if it can be read here: what happened while nobody was connected.
    """

    host: str = Field(min_length=1)
    port: int = Field(5038, ge=1, le=65535)
    user: str = Field(min_length=1, max_length=80, pattern=r"^[^\r\n]+$")
    secret_file: FileName
    auth: Literal["md5", "plain"] = "md5"
    queue_log: str | None = None


class Exchange(Part):
    """A PBX. ``key_file`` (and ``next_key_file`` while one replaces the other) sign what it posts to ``/v1/calls``."""

    name: Name
    key_file: FileName | None = None
    next_key_file: FileName | None = None
    ami: Ami | None = None

    @model_validator(mode="after")
    def _is_ours(self) -> "Exchange":
        if self.name == FORM:
            raise ValueError(f"{FORM} is no name for an exchange: calls of the form have it")
        if self.next_key_file is not None and self.key_file is None:
            raise ValueError("next_key_file without key_file")
        return self


class Trunk(Part):
    """A line of an operator: the area code that numbers without one have."""

    ddd: Ddd


class Services(Part):
    """As what a call that nobody answered is opened (policy rule 2)."""

    emergency: str = Field("emergency-line", min_length=1, max_length=200)
    business: str = Field("callback", min_length=1, max_length=200)


class Phone(Part):
    """The file ``phone.yaml``.

    ``misdial_seconds``: who hangs up before that is counted, not opened. ``join_minutes``: so long after its last call a
    call of the same number or client joins a ticket that nobody answered. ``open_hours``: a call without an end is over then.
    """

    exchanges: tuple[Exchange, ...] = ()
    trunks: dict[Annotated[str, Field(max_length=100)], Trunk] = Field(default_factory=dict)
    ddd: Ddd | None = None
    misdial_seconds: int = Field(15, ge=0, le=600)
    join_minutes: int = Field(30, ge=0, le=24 * 60)
    open_hours: int = Field(4, ge=1, le=48)
    blocked: frozenset[Number] = frozenset()
    services: Services = Services()
    extensions: dict[str, str] = Field(default_factory=dict)
    """Which agent of ``agents.yaml`` a member of a queue, or an extension, is."""

    @model_validator(mode="after")
    def _exchanges_are_unique(self) -> "Phone":
        names = [exchange.name for exchange in self.exchanges]
        if len(set(names)) < len(names):
            raise ValueError("an exchange's name is there twice")
        return self

    @property
    def misdial(self) -> timedelta:
        """Return within what time of entering the queue a hang-up is a misdial."""
        return timedelta(seconds=self.misdial_seconds)

    def number(self, said: str, trunk: str) -> str | None:
        """Return the number that was heard on a trunk in E.164, or None for an unidentified caller."""
        known = self.trunks.get(trunk)
        return e164(said, known.ddd if known is not None else self.ddd or "")

    def agent(self, said: str, agents: Agents) -> str | None:
        """Return the id of the agent that a PBX means, or None: what it says may be a number, and stays here."""
        named = self.extensions.get(said) or said
        if named in agents.agents:
            return named
        return next((id_ for id_, agent in agents.agents.items() if agent.name.casefold() == said.casefold()), None)


class Suggested:
    """Whose number it is, by ``phones`` of ``clients.yaml``: a suggestion, for anybody can send any number."""

    def __init__(self, clients: Clients, ddd: str = "") -> None:
        said = [(e164(phone, ddd), client.id) for client in clients.clients for phone in client.phones]
        owners: dict[str, set[str]] = {}
        for number, client_id in said:
            if number is not None:
                owners.setdefault(number, set()).add(client_id)
        self._owner = {number: min(ids) for number, ids in owners.items() if len(ids) == 1}

    def client(self, number: str | None) -> str | None:
        """Return the client that a number suggests; None of one that several have."""
        return self._owner.get(number) if number is not None else None
