"""Which mailboxes are read by IMAP (``mailboxes.yaml``), and when a mail of one counts as received."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from ipaddress import ip_address
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from services.intake.domain.agents import Address
from shared.config import Part

MAILBOXES = 20
"""So many mailboxes one service reads: each has a thread, a connection and a metric label."""

_PORTS = {"implicit": 993, "starttls": 143, "none": 143}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

Id = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]{0,63}$")]
Text = Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+$")]


def is_loopback(host: str) -> bool:
    """Tell whether a host is this machine by its name."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


class Oauth(Part):
    """How an access token is had (RFC 6749): by a refresh token (section 6), or as the client itself (section 4.4)."""

    token_url: str
    client_id: Text
    client_secret_file: Text | None = None
    refresh_token_file: Text | None = None
    scope: Text | None = None

    @field_validator("token_url")
    @classmethod
    def _is_private(cls, url: str) -> str:
        parts = urlsplit(url)
        if not parts.hostname or parts.scheme not in ("https", "http"):
            raise ValueError("must be an https:// URL")
        if parts.scheme == "http" and not is_loopback(parts.hostname):
            raise ValueError("must be https: secrets are sent to it")
        return url

    @model_validator(mode="after")
    def _has_a_secret(self) -> "Oauth":
        if self.refresh_token_file is None and self.client_secret_file is None:
            raise ValueError("refresh_token_file or client_secret_file is required")
        return self


class Mailbox(Part):
    """One folder of one account. Secrets are in files only: names without a folder are looked for in the secrets folder."""

    address: Address
    host: Annotated[str, Field(pattern=r"^[0-9A-Za-z_.:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] | None = None
    tls: Literal["implicit", "starttls", "none"] = "implicit"
    ca_file: Text | None = None
    user: Text
    password_file: Text | None = None
    access_token_file: Text | None = None
    oauth: Oauth | None = None
    folder: Text = "INBOX"
    done_folder: Text = "Processados"
    since: date | None = None
    sweep_seconds: Annotated[int, Field(ge=1, le=1500)] = 60  # RFC 2177: an IDLE ends before 29 minutes

    @model_validator(mode="after")
    def _fits_together(self) -> "Mailbox":
        wrong = []
        if [self.password_file, self.access_token_file, self.oauth].count(None) != 2:
            wrong.append("exactly one of password_file, access_token_file and oauth is required")
        if self.tls == "none" and not is_loopback(self.host):
            wrong.append("tls: none is for this machine only: the password would be sent in clear")
        if self.tls == "starttls" and self.port == 993:
            wrong.append("port 993 is tls: implicit")
        if self.folder.casefold() == self.done_folder.casefold():
            wrong.append("done_folder must be another than folder")
        if wrong:
            raise ValueError("; ".join(wrong))
        return self

    @property
    def port_number(self) -> int:
        """The port, by default that of RFC 8314 for the kind of TLS."""
        return self.port or _PORTS[self.tls]

    @property
    def source(self) -> str:
        """What UIDs belong to besides their UIDVALIDITY, which some servers make 1 in every account."""
        folder = "INBOX" if self.folder.upper() == "INBOX" else self.folder
        return f"imap://{self.user}@{self.host.lower()}/{folder}"

    @property
    def secrets(self) -> tuple[str, ...]:
        """The files that must be there."""
        oauth = (self.oauth.client_secret_file, self.oauth.refresh_token_file) if self.oauth else ()
        names = (self.ca_file, self.password_file, self.access_token_file, *oauth)
        return tuple(name for name in names if name is not None)


class Mailboxes(Part):
    """The file ``mailboxes.yaml``; the key is the mailbox's id, which stands in logs and metrics."""

    mailboxes: dict[Id, Mailbox] = Field(default_factory=dict, max_length=MAILBOXES)

    @model_validator(mode="after")
    def _are_different(self) -> "Mailboxes":
        sources = [mailbox.source for mailbox in self.mailboxes.values()]
        if len(set(sources)) < len(sources):
            raise ValueError("two mailboxes are the same folder of the same account")
        return self


@dataclass(frozen=True, slots=True)
class Facts:
    """What a server says of a mail without giving it out. ``internal_at`` is None when it says nothing that is an instant."""

    internal_at: datetime | None
    size_bytes: int

    def may_be(self, other: "Facts") -> bool:
        """Tell whether both can be said of one mail."""
        dates = {self.internal_at, other.internal_at} - {None}
        return self.size_bytes == other.size_bytes and len(dates) <= 1


def received_at(internal_at: datetime | None, now: datetime) -> datetime:
    """Return when a mail's clocks start: its INTERNALDATE (RFC 3501, section 2.3.3), never its ``Date:`` header.

    A mailbox's clock that is ahead of ours, or that says nothing credible, counts as now.
    """
    return internal_at if internal_at is not None and _EPOCH < internal_at <= now else now
