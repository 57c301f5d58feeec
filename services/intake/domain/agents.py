"""The people of the desk: whose answer counts, and who may log in (``agents.yaml``)."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from shared.config import Part


def _address(text: str) -> str:
    if not 3 <= len(text) <= 320 or text.count("@") != 1 or any(c.isspace() for c in text):
        raise ValueError("must be an e-mail address")
    return text.lower()


Address = Annotated[str, AfterValidator(_address)]


class Agent(Part):
    """One person. ``password`` is an argon2 hash (PHC string format); without one nobody can log in as this agent."""

    name: str = Field(min_length=1, max_length=80)
    addresses: tuple[Address, ...] = ()
    password: str | None = Field(None, pattern=r"^\$argon2id\$")
    language: Literal["pt-BR", "en"] = "pt-BR"


class Agents(Part):
    """The file ``agents.yaml``; the key is the agent's id, which stands in events as ``by``."""

    agents: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")], Agent] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _addresses_are_unique(self) -> "Agents":
        every = [address for agent in self.agents.values() for address in agent.addresses]
        if len(set(every)) < len(every):
            raise ValueError("an address belongs to two agents")
        return self

    def of_address(self, address: str) -> str | None:
        """Return the id of the agent whose address it is."""
        return next((name for name, agent in self.agents.items() if address.lower() in agent.addresses), None)
