"""Who may say what over HTTP: each system has a bearer token, kept only as its SHA-256."""

import hashlib
import hmac
from collections.abc import Sequence
from typing import Annotated

from pydantic import AfterValidator, Field, WithJsonSchema, model_validator

from services.intake.domain.limits import Rate
from shared.config import Part
from shared.events import MODELS

PUBLISHABLE = tuple(sorted(name for name in MODELS if name.startswith("ticket.") and name != "ticket.refused"))
"""The types that a system may send: those of tickets, but for ``ticket.refused``, which is intake's own record."""


def _publishable(name: str) -> str:
    if name not in PUBLISHABLE:
        raise ValueError(f"must be one of {', '.join(PUBLISHABLE)}")
    return name


Publishable = Annotated[str, AfterValidator(_publishable), WithJsonSchema({"enum": list(PUBLISHABLE)})]


class Token(Part):
    """One publishing system: the sources and event types that it may send, and how often it may ask."""

    name: str = Field(min_length=1, max_length=100)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    source_prefix: str = Field(min_length=1, max_length=200)
    types: tuple[Publishable, ...] = Field(min_length=1)
    rate: Rate = Rate()

    def refuses(self, source: str, type_: str) -> str | None:
        """Return the field that this system may not send, or None."""
        if not source.startswith(self.source_prefix):
            return "source"
        return None if type_ in self.types else "type"


class TokenFile(Part):
    """The file ``tokens.yaml``."""

    tokens: tuple[Token, ...] = Field((), max_length=1000)

    @model_validator(mode="after")
    def _are_told_apart(self) -> "TokenFile":
        for what in ("name", "sha256"):
            values = [getattr(token, what) for token in self.tokens]
            if len(set(values)) < len(values):
                raise ValueError(f"a {what} is there twice")
        return self


def digest_of(secret: str) -> str:
    """Return the SHA-256 of a token in hex, as ``tokens.yaml`` keeps it."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def bearer(header: str | None, tokens: Sequence[Token]) -> Token | None:
    """Return whose token the Authorization header (RFC 6750) carries, compared in constant time."""
    scheme, _, secret = (header or "").partition(" ")
    digest = digest_of(secret.strip())
    found = [token for token in tokens if hmac.compare_digest(token.sha256, digest)]
    return found[0] if found and scheme.lower() == "bearer" else None
