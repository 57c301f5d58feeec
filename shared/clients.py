"""The clients and their backup routines, as ``clients.yaml`` says. All errors of the file are reported at once."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal

from cronsim import CronSim, CronSimError
from pydantic import AfterValidator, Field, model_validator

from shared.config import Duration, Part, Zone

RULE_10 = "the backup of an Oracle database is the client's alone (policy rule 10)"


def _cron(text: str) -> str:
    try:
        CronSim(text, datetime(2026, 1, 1, tzinfo=UTC))
    except CronSimError:
        raise ValueError("not a cron expression of five fields") from None
    return text


def _name_pattern(text: str) -> str:
    if "/" in text or "\\" in text or "\0" in text:
        raise ValueError("a pattern names files of the directory, not paths")
    return text


Identifier = Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9._-]+$")]


class Contract(Part):
    """When a contract holds and which products it covers; both dates are inclusive, no ``to`` means open."""

    from_: date = Field(alias="from")
    to: date | None = None
    products: tuple[str, ...] = ()


class Routine(Part):
    """One backup routine. A slot is a planned start; ``grace`` is what it may be late after ``duration``."""

    id: Identifier
    directory: str = Field(pattern=r"^/")
    pattern: Annotated[str, AfterValidator(_name_pattern)] = "*"
    cron: Annotated[str, AfterValidator(_cron)]
    zone: Zone = "America/Sao_Paulo"
    early: Duration = timedelta(minutes=15)
    duration: Duration = timedelta(hours=1)
    grace: Duration = timedelta(minutes=30)
    min_size_bytes: int = Field(1, ge=1)


class Client(Part):
    """One client of the vendor."""

    id: Identifier
    name: str = Field(min_length=1, max_length=80)
    cnpj: tuple[str, ...] = ()
    domains: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    modality: Literal["saas", "in_house"]
    database: Literal["postgresql", "oracle"]
    contract: Contract | None = None
    account_manager: str | None = None
    routines: tuple[Routine, ...] = ()

    @property
    def responsibility(self) -> str:
        """Return who backs up (policy rule 10): audited, vendor_managed or client_responsibility."""
        if self.modality == "saas":
            return "vendor_managed"
        return "audited" if self.database == "postgresql" else "client_responsibility"

    @model_validator(mode="after")
    def _routines_are_ours(self) -> "Client":
        wrong = list(self._wrong())
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    def _wrong(self) -> Iterator[str]:
        if self.routines and self.database == "oracle":
            yield f"client {self.id}: {RULE_10}"
        elif self.routines and self.modality == "saas":
            yield f"client {self.id}: a SaaS client's backups are the vendor's own, not a routine (policy rule 10)"
        if len({routine.id for routine in self.routines}) < len(self.routines):
            yield f"client {self.id}: a routine's id is there twice"


class Clients(Part):
    """The file ``clients.yaml``."""

    clients: tuple[Client, ...] = ()

    @model_validator(mode="after")
    def _ids_are_unique(self) -> "Clients":
        if len({client.id for client in self.clients}) < len(self.clients):
            raise ValueError("a client's id is there twice")
        return self

    def routine(self, client_id: str, routine_id: str) -> tuple[Client, Routine] | None:
        """Return a routine with its client, or None when the file no longer has it."""
        for client in self.clients:
            for routine in client.routines:
                if (client.id, routine.id) == (client_id, routine_id):
                    return client, routine
        return None
