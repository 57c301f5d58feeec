"""How a mail stands to us: who sends it, whether that is proved, and which mails of ours or others it answers."""

from typing import NamedTuple

from services.intake.domain.agents import Agents
from services.intake.domain.headers import Header
from services.intake.domain.identity import Identity
from services.intake.domain.threads import named_ticket, references, subject_tag, ticket_of
from services.intake.domain.trust import verified


class Relation(NamedTuple):
    """``verified``: None where no server of ours says so. ``ours``: we wrote this very mail. ``token_ticket``: the ticket
    whose signed Message-ID it answers. ``named_ticket``: the ticket that it merely names."""

    verified: bool | None = None
    agent: str | None = None
    to_desk: bool = False
    own_address: bool = False
    ours: bool = False
    references: tuple[str, ...] = ()
    token_ticket: str | None = None
    named_ticket: str | None = None


def relation_of(
    header: Header, sender: str, message_id: str, agents: Agents, identity: Identity, key: bytes
) -> Relation:
    """Return how the mail stands to us; ``key`` is that of our Message-IDs, empty where nothing is signed."""
    answered = references(header)
    return Relation(
        verified=verified(header, sender, identity.authserv_ids),
        agent=agents.of_address(sender) if sender else None,
        to_desk=not header.addresses("to", "cc").isdisjoint(identity.addresses),
        own_address=sender in identity.addresses,
        ours=ticket_of(key, [message_id]) is not None,
        references=answered,
        token_ticket=ticket_of(key, answered),
        named_ticket=named_ticket(header) or subject_tag(header.text("subject")),
    )
