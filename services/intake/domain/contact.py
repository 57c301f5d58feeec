"""A raw mail understood: what its ticket says, or why none is opened. Pure; nothing raises, whatever the mail.

What cannot be read still opens a ticket, with a typed reason.
"""

import hashlib
from datetime import datetime
from email.errors import MessageError
from typing import Any, Literal, NamedTuple

from services.intake.domain.agents import Agents
from services.intake.domain.automatic import automatic, is_mailer_daemon, is_null_sender
from services.intake.domain.body import Body, body_of
from services.intake.domain.bounces import Bounced, bounced_page
from services.intake.domain.clients import Belonging, belonging
from services.intake.domain.desk_time import desk_day
from services.intake.domain.documents import attached_texts, documents_of, keys_in_names
from services.intake.domain.fiscal import MODELS, access_keys, cnpjs, parse_key, rejections
from services.intake.domain.headers import Header, read_header
from services.intake.domain.identity import Identity
from services.intake.domain.language import Language, language_of
from services.intake.domain.message import UNREADABLE, is_forward, message_id_of, title_of
from services.intake.domain.parts import Anatomy, dissect, undissected, word_of
from services.intake.domain.quotes import Split, split
from services.intake.domain.relation import Relation, relation_of
from services.intake.domain.routing import Facts, Routing, articles, plain, route
from services.intake.domain.thanks import is_thanks
from shared.clients import Clients

_NAMES_LIMIT = 100
_BOUNDARIES_LIMIT = 20_000
_HOSTILE = (MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError, AssertionError)
"""What the standard library's parser raises of mails that nobody should have sent."""


class Attachment(NamedTuple):
    """A part that is a file; its content is found again by its SHA-256."""

    name: str
    type: str
    bytes: int
    sha256: str


class Contact(NamedTuple):
    """What a mail says and what becomes of it. ``discarded``: why no ticket is opened, None where one is."""

    title: str
    service: str
    sender: str = ""
    message_id: str = ""
    discarded: str | None = None
    automatic: tuple[str, ...] = ()
    routing_rule: str | None = None
    priority: str | None = None
    scope_hint: str | None = None
    rejection_codes: tuple[str, ...] = ()
    documents: tuple[str, ...] = ()
    articles: tuple[str, ...] = ()
    client_id: str | None = None
    client_by: str = ""
    coverage: Literal["covered", "unknown", "none"] = "unknown"
    coverage_reason: str | None = None
    registered: bool = False
    text: str = ""
    quoted: str = ""
    signature: str = ""
    text_source: str = "none"
    charset: str = ""
    charset_how: str = ""
    attachments: tuple[Attachment, ...] = ()
    encrypted: bool = False
    signed: bool = False
    flaws: tuple[str, ...] = ()
    unreadable: str | None = None
    relation: Relation = Relation()
    thanks: bool = False
    language: Language = "pt-BR"
    bounced: Bounced | None = None
    fingerprint: str = ""
    product: str | None = None
    cnpjs: tuple[str, ...] = ()


def unread(raw: bytes, service: str, reason: str) -> Contact:
    """Return what the header says of a mail whose body could not be read; nothing of it takes long."""
    header = read_header(raw)
    subject = header.text("subject")
    return Contact(
        title=title_of(subject) if subject else UNREADABLE,
        service=service,
        sender=header.sender(),
        message_id=message_id_of(raw),
        automatic=("unreadable",),
        unreadable=reason,
        fingerprint=hashlib.sha256(raw).hexdigest(),
    )


class Known(NamedTuple):
    """What contacts are understood by: the configuration. ``key``: that of our Message-IDs.

    ``always_urgent``: services that run on the emergency calendar at any time.
    """

    routing: Routing
    clients: Clients
    triage: str
    agents: Agents = Agents()
    identity: Identity = Identity()
    key: bytes = b""
    always_urgent: frozenset[str] = frozenset()


class _Mail(NamedTuple):
    """A mail in its parts."""

    raw: bytes
    header: Header
    anatomy: Anatomy
    body: Body
    said: Split
    sender: str
    message_id: str


def understand(
    raw: bytes, known: Known, received_at: datetime, *, null_sender: bool = False, mailbox: str = ""
) -> Contact:
    """Return what ``raw`` says; ``null_sender``: it came with an empty envelope sender (else its Return-Path tells);
    ``mailbox``: to which it came, whatever its fields name."""
    header = read_header(raw)
    flaws: set[str] = set()
    anatomy, unreadable = _anatomy(raw, flaws)
    body = body_of(anatomy.parts)
    said = split(body.text, forwarded=is_forward(header.text("subject")))
    mail = _Mail(raw, header, anatomy, body, said, header.sender(), message_id_of(raw))
    if not header.fields and not body.text:
        unreadable = unreadable or "no_header"
    relation = relation_of(header, mail.sender, mail.message_id, known.agents, known.identity, known.key)
    report = anatomy.report or is_mailer_daemon(mail.sender)
    machine = automatic(
        header,
        null_sender=null_sender or is_null_sender(header),
        report=report,
        answers_ours=relation.token_ticket is not None,
    )
    files = [
        part for part in anatomy.parts if part.attached or part.type.partition("/")[0] not in ("text", "multipart")
    ]
    contact = Contact(
        title=UNREADABLE if unreadable and not header.raw("subject") else title_of(header.text("subject")),
        service=known.triage,
        sender=mail.sender,
        message_id=mail.message_id,
        discarded=machine.discarded,
        automatic=(*machine.traits, "own_address") if relation.own_address else machine.traits,
        text=mail.said.fresh,
        quoted=mail.said.quoted,
        signature=mail.said.signature,
        text_source=body.source,
        charset=body.charset,
        charset_how=body.how,
        attachments=tuple(Attachment(p.name, p.type, len(p.data), p.sha256) for p in files),
        encrypted=anatomy.encrypted,
        signed=anatomy.signed,
        unreadable=unreadable,
        relation=relation,
        thanks=is_thanks(mail.said.fresh),
        language=language_of(mail.said.fresh or header.text("subject")),
        bounced=bounced_page(raw, anatomy.parts, known.identity.page_domains) if report else None,
        fingerprint=_fingerprint(mail),
    )
    return _about(contact, mail, known, received_at, flaws, mailbox)


def _about(
    contact: Contact, mail: _Mail, known: Known, received_at: datetime, flaws: set[str], mailbox: str
) -> Contact:
    """Return the contact with what it is about and whose it is.

    What an unverified sender writes can raise nothing: no priority, and no service that is an emergency at any time.
    """
    keys, codes, named = _fiscal(mail.header, mail.anatomy, mail.body, flaws)
    facts = _facts(mail.header, mail.said, keys, codes, mailbox)
    doubted = contact.relation.verified is False
    rule = route(known.routing, facts, known.always_urgent if doubted else ())
    owner = belonging(known.clients, named, mail.sender, desk_day(received_at), None if rule is None else rule.product)
    if rule is not None:
        contact = contact._replace(
            service=rule.service,
            routing_rule=rule.name,
            product=rule.product,
            priority=None if doubted else rule.priority,
            scope_hint=None if codes or keys else rule.scope_hint,
        )
    return contact._replace(
        rejection_codes=codes,
        documents=keys,
        articles=articles(known.routing, facts)[:_NAMES_LIMIT],
        cnpjs=named[:_NAMES_LIMIT],
        flaws=tuple(sorted(flaws)),
        **owned(owner),
    )


def owned(owner: Belonging) -> dict[str, Any]:
    """Return the fields of a contact that say whose it is."""
    return {
        "client_id": None if owner.client is None else owner.client.id,
        "client_by": owner.by,
        "coverage": owner.coverage,
        "coverage_reason": owner.reason,
        "registered": owner.by in ("address", "domain"),
    }


def _fingerprint(mail: _Mail) -> str:
    """Return what two copies of one mail share, whatever the servers on their ways added."""
    told = (mail.sender, mail.header.raw("date").decode("latin-1"), mail.header.text("subject"), mail.body.text)
    return hashlib.sha256("\x1f".join(told).encode("utf-8", "replace")).hexdigest()


def _anatomy(raw: bytes, flaws: set[str]) -> tuple[Anatomy, str | None]:
    if raw.count(b"\n--") > _BOUNDARIES_LIMIT:
        return undissected(raw), "too_many_parts"
    try:
        found = dissect(raw)
    except _HOSTILE as error:
        return undissected(raw), word_of(error)
    flaws.update(found.flaws)
    return found, None


def _fiscal(
    header: Header, anatomy: Anatomy, body: Body, flaws: set[str]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Return access keys, rejection codes, and the CNPJs by which a client may be recognised: of documents first."""
    text = f"{header.text('subject')}\n{body.text}"
    documents = list(documents_of(anatomy.parts, flaws))
    keys = [one.key for one in documents if one.key]
    keys += keys_in_names(anatomy.parts)
    attached = "\n".join(attached_texts(anatomy.parts))
    keys += [found.key for found in (*access_keys(text), *access_keys(attached))]
    keys = list(dict.fromkeys(keys))[:_NAMES_LIMIT]
    codes = [code for one in documents for code in one.rejections] + [*rejections(text), *rejections(attached)]
    issuers = [one.cnpj for one in documents if one.cnpj]
    issuers += [found.cnpj for key in keys if (found := parse_key(key)) is not None and found.cnpj]
    return tuple(keys), tuple(dict.fromkeys(codes))[:_NAMES_LIMIT], tuple(dict.fromkeys([*issuers, *cnpjs(text)]))


def _facts(header: Header, said: Split, keys: tuple[str, ...], codes: tuple[str, ...], mailbox: str) -> Facts:
    subject = header.text("subject")
    return Facts(
        recipients=header.addresses("to", "cc", "delivered-to", "x-original-to") | {mailbox.lower()},
        subject=plain(subject),
        text=plain(f"{said.fresh}\n{said.quoted}" if is_forward(subject) else said.fresh),
        documents=frozenset(MODELS[key[20:22]] for key in keys),
        rejections=codes,
    )
