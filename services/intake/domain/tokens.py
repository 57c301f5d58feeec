"""Who may say what over HTTP: each system has a bearer token, kept only as its SHA-256."""

import hashlib
import hmac
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field


class Token(BaseModel):
    """One publishing system: the sources and event types that it may send."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    sha256: str = Field(pattern=r"^[0-9a-f]{64}$")
    source_prefix: str = Field(min_length=1)
    types: tuple[str, ...] = Field(min_length=1)

    def refuses(self, source: str, type_: str) -> str | None:
        """Return the field that this system may not send, or None."""
        if not source.startswith(self.source_prefix):
            return "source"
        return None if type_ in self.types else "type"


class TokenFile(BaseModel):
    """``tokens.yaml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tokens: tuple[Token, ...] = ()


def bearer(header: str | None, tokens: Sequence[Token]) -> Token | None:
    """Return whose token the Authorization header (RFC 6750) carries, compared in constant time."""
    scheme, _, secret = (header or "").partition(" ")
    digest = hashlib.sha256(secret.strip().encode("utf-8", "surrogateescape")).hexdigest()
    found = [token for token in tokens if hmac.compare_digest(token.sha256, digest)]
    return found[0] if found and scheme.lower() == "bearer" else None
