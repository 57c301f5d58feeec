"""Which service a contact is about, by declarative rules: the first that matches, by its name. Also: matching articles.

A rule can suggest that something is no support (``scope_hint``); only a person moves a ticket out of scope.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from functools import lru_cache
from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, Field, model_validator

from shared.config import Part

Words = tuple[Annotated[str, Field(min_length=1, max_length=100)], ...]


def _url(text: str) -> str:
    if not re.fullmatch(r"https?://\S{1,500}", text):
        raise ValueError("an article is an http or https URL")
    return text


class When(Part):
    """What must hold, all of it; of a list one is enough. Words are compared without case and accents, whole words."""

    recipient: Words = ()
    subject: Words = ()
    text: Words = ()
    """In the subject or in what is newly written."""
    document: tuple[Literal["NF-e", "NFC-e", "CT-e", "CT-e OS", "MDF-e"], ...] = ()
    rejection: tuple[Annotated[str, Field(pattern=r"^(?:any|[2-9][0-9]{2}|1[01][0-9]{2})$")], ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> "When":
        if not any((self.recipient, self.subject, self.text, self.document, self.rejection)):
            raise ValueError("a rule without a condition would match everything")
        return self


class Rule(Part):
    """One rule; ``name`` stands in the ticket that it routed."""

    name: str = Field(min_length=1, max_length=100)
    when: When
    service: str = Field(min_length=1, max_length=200)
    priority: str | None = None
    scope_hint: Literal["tax_advice"] | None = None
    product: str | None = Field(None, min_length=1, max_length=100)
    """The product that it is about: what a contract's ``products`` are compared with (policy rule 3)."""


class Article(Part):
    """An article of the knowledge base, for rejection codes or phrases."""

    url: Annotated[str, AfterValidator(_url)]
    codes: tuple[Annotated[str, Field(pattern=r"^(?:[2-9][0-9]{2}|1[01][0-9]{2})$")], ...] = ()
    phrases: Words = ()


class Routing(Part):
    """The file ``routing.yaml``."""

    rules: tuple[Rule, ...] = ()
    articles: tuple[Article, ...] = ()

    @model_validator(mode="after")
    def _names_are_unique(self) -> "Routing":
        names = [rule.name for rule in self.rules]
        if len(set(names)) < len(names):
            raise ValueError("a rule's name is there twice")
        return self


class Facts(NamedTuple):
    """What rules look at; texts as ``plain`` has them."""

    recipients: frozenset[str]
    subject: str
    text: str
    documents: frozenset[str]
    rejections: tuple[str, ...]


def plain(text: str) -> str:
    """Return lower-case words without accents and punctuation, each with a blank before and after it."""
    bare = text.casefold()
    if not bare.isascii():
        bare = "".join(c for c in unicodedata.normalize("NFKD", bare) if not unicodedata.combining(c))
    return " ".join(["", *_WORD.findall(bare), ""])


_WORD = re.compile(r"[^\W_]+")
_phrase = lru_cache(maxsize=4096)(plain)


def route(routing: Routing, facts: Facts, barred: Collection[str] = ()) -> Rule | None:
    """Return the first rule that matches and leads to none of the ``barred`` services."""
    return next((r for r in routing.rules if r.service not in barred and _matches(r.when, facts)), None)


def _matches(when: When, facts: Facts) -> bool:
    if when.recipient and not facts.recipients & {one.lower() for one in when.recipient}:
        return False
    if when.subject and not _has(facts.subject, when.subject):
        return False
    if when.text and not (_has(facts.subject, when.text) or _has(facts.text, when.text)):
        return False
    if when.document and not facts.documents & set(when.document):
        return False
    return not when.rejection or bool(
        facts.rejections and ("any" in when.rejection or set(when.rejection) & set(facts.rejections))
    )


def _has(text: str, words: Iterable[str]) -> bool:
    return any(_phrase(phrase) in text for phrase in words)


def articles(routing: Routing, facts: Facts) -> tuple[str, ...]:
    """Return the URLs of articles about what was said, in the order of the file."""
    return tuple(
        article.url
        for article in routing.articles
        if set(article.codes) & set(facts.rejections)
        or _has(facts.subject, article.phrases)
        or _has(facts.text, article.phrases)
    )
