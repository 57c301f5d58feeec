"""Ways out to people, as ``oncall.yaml`` names them. Secrets are names of files in the secrets folder, never values."""

from datetime import timedelta
from typing import Annotated, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from shared.config import Duration, Part

SHORTEST, LONGEST = timedelta(seconds=1), timedelta(seconds=45)
"""Bounds of one attempt: the longest, with its lease, is below a notice's patience."""

_TALK = timedelta(seconds=15)  # what a person needs to hear who calls and to press a key


def _https(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.password:
        raise ValueError("must be an https:// URL without user and password")
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "::1", "localhost"):
        raise ValueError("must be https: pages and secrets are sent to it")
    return url


SecretFile = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-][A-Za-z0-9._-]{0,99}$")]
Url = Annotated[str, Field(max_length=2000), AfterValidator(_https)]
Line = Annotated[str, Field(min_length=1, max_length=320, pattern=r"^[^\x00-\x1f\x7f]+$")]
Timeout = Annotated[Duration, Field(ge=SHORTEST, le=LONGEST)]
AtOnce = Annotated[int, Field(ge=1, le=50)]
PerMinute = Annotated[int, Field(ge=1, le=600)]


class _Way(Part):
    """What every channel has: ``timeout`` of one attempt; ``at_once`` attempts side by side; ``per_minute`` messages to one
    contact method. ``loud``: it calls, or makes a sound at night. ``updates``: it is told of an acknowledgement and of the end
    as such. ``takes_address``: a contact method needs an address or number."""

    loud: ClassVar[bool] = False
    updates: ClassVar[bool] = False
    takes_address: ClassVar[bool] = False

    timeout: Timeout = timedelta(seconds=15)
    at_once: AtOnce = 10
    per_minute: PerMinute = 60

    @property
    def secrets(self) -> tuple[str, ...]:
        """The files of the secrets folder that must be there."""
        names = [getattr(self, name) for name in type(self).model_fields if name.endswith("_file")]
        return tuple(name for name in names if name is not None)


class EmailConfig(_Way):
    """SMTP. Without ``server`` and ``mail_from`` the settings ``smtp_out`` and ``mail_from`` hold; ``tls`` is ``auto``
    (STARTTLS where the server offers it), ``starttls`` (required), ``implicit`` or ``none``."""

    takes_address: ClassVar[bool] = True

    kind: Literal["email"]
    at_once: AtOnce = 20
    server: Annotated[str, Field(pattern=r"^[0-9A-Za-z_.:\[\]-]{1,253}:[0-9]{1,5}$")] | None = None
    mail_from: Annotated[str, Field(pattern=r"^[^@\s<>]{1,64}@[^@\s<>]{1,255}$")] | None = None
    tls: Literal["auto", "starttls", "implicit", "none"] = "auto"
    user: Line | None = None
    password_file: SecretFile | None = None
    ca_file: SecretFile | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> "EmailConfig":
        if (self.user is None) != (self.password_file is None):
            raise ValueError("user and password_file belong together")
        if self.user is not None and self.tls in ("auto", "none"):
            raise ValueError("a password is sent over tls: starttls or implicit only")
        return self


class _Http(_Way):
    """A channel over HTTP; ``ca_file``: further certificate authorities, for a server of the house."""

    ca_file: SecretFile | None = None


class WebhookConfig(_Http):
    """A JSON document to a system of yours, signed by each live key (two while one replaces the other)."""

    updates: ClassVar[bool] = True

    kind: Literal["webhook"]
    url: Url
    key_file: SecretFile
    next_key_file: SecretFile | None = None


class PagerDutyConfig(_Http):
    """PagerDuty Events API v2: one incident per alert, acknowledged and resolved with it."""

    loud: ClassVar[bool] = True
    updates: ClassVar[bool] = True

    kind: Literal["pagerduty"]
    routing_key_file: SecretFile
    region: Literal["us", "eu"] = "us"
    url: Url | None = None

    @property
    def endpoint(self) -> str:
        """Where events go: ``url``, or the region's own address."""
        host = "events.eu.pagerduty.com" if self.region == "eu" else "events.pagerduty.com"
        return self.url or f"https://{host}/v2/enqueue"


class SlackConfig(_Http):
    """An incoming webhook of Slack; the file holds its URL, which is a secret. Slack takes one message a second."""

    updates: ClassVar[bool] = True

    kind: Literal["slack"]
    at_once: AtOnce = 1
    url_file: SecretFile


class TeamsConfig(_Http):
    """A webhook of a Teams workflow ("when a Teams webhook request is received"); the file holds its URL."""

    updates: ClassVar[bool] = True

    kind: Literal["teams"]
    at_once: AtOnce = 4
    url_file: SecretFile


class SmsConfig(_Http):
    """SMS by a provider's API. ``sender``: number, short code or name, or Twilio's messaging service (``MG…``).

    twilio: ``account`` (``AC…``) and the auth token in ``token_file``; with an API key also ``user`` (``SK…``), and its secret
    in ``token_file``. Twilio posts each status to ``status_callback`` (form: MessageSid, MessageStatus, ErrorCode).
    zenvia: the API token in ``token_file``. Zenvia posts JSON (``MESSAGE_STATUS``) where a subscription of its console says.
    """

    loud: ClassVar[bool] = True
    takes_address: ClassVar[bool] = True

    kind: Literal["sms"]
    per_minute: PerMinute = 10
    provider: Literal["twilio", "zenvia"]
    sender: Annotated[str, Field(pattern=r"^[+0-9A-Za-z._ -]{1,64}$")]
    token_file: SecretFile
    account: Annotated[str, Field(pattern=r"^AC[0-9a-zA-Z]{32}$")] | None = None
    user: Annotated[str, Field(pattern=r"^SK[0-9a-zA-Z]{32}$")] | None = None
    status_callback: Url | None = None
    url: Url | None = None

    @model_validator(mode="after")
    def _fits_the_provider(self) -> "SmsConfig":
        if (self.provider == "twilio") != (self.account is not None):
            raise ValueError("account is required for twilio, and for twilio only")
        if self.provider == "zenvia" and (self.user is not None or self.status_callback is not None):
            raise ValueError("user and status_callback are for twilio only")
        return self

    @property
    def endpoint(self) -> str:
        """Where messages go: ``url`` (the host alone), or the provider's own."""
        if self.provider == "twilio":
            return f"{self.url or 'https://api.twilio.com'}/2010-04-01/Accounts/{self.account}/Messages.json"
        return f"{self.url or 'https://api.zenvia.com'}/v2/channels/sms/messages"


class VoiceConfig(_Way):
    """A call by Asterisk: it says what there is and waits for key 1. ``dial`` names the trunk, with ``{number}`` (digits with
    the country's code) or ``{e164}`` (with +); ``ring`` is how long it rings; ``context`` is that of extensions_prazo.conf."""

    loud: ClassVar[bool] = True
    takes_address: ClassVar[bool] = True

    kind: Literal["voice"]
    timeout: Timeout = LONGEST
    at_once: AtOnce = 2
    per_minute: PerMinute = 2
    host: Annotated[str, Field(pattern=r"^[0-9A-Za-z_.:-]{1,253}$")]
    port: Annotated[int, Field(ge=1, le=65535)] = 5038
    user: Line
    secret_file: SecretFile
    dial: Annotated[str, Field(pattern=r"^[A-Za-z0-9]+/[A-Za-z0-9@/_.+-]*\{(number|e164)\}[A-Za-z0-9@/_.-]*$")]
    caller_id: Annotated[str, Field(pattern=r"^[+0-9]{2,20}$")] | None = None
    context: Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,79}$")] = "prazo-aviso"
    ring: Annotated[Duration, Field(ge=timedelta(seconds=5), le=timedelta(seconds=30))] = timedelta(seconds=25)

    @model_validator(mode="after")
    def _leaves_time_to_talk(self) -> "VoiceConfig":
        if self.timeout - self.ring < _TALK:
            raise ValueError("timeout must be 15s longer than ring: time to listen and press a key")
        return self


class AppriseConfig(_Way):
    """Any other service by Apprise: the file holds one of its URLs. It says only whether it sent, so nothing more is known."""

    loud: ClassVar[bool] = True

    kind: Literal["apprise"]
    at_once: Annotated[int, Field(ge=1, le=8)] = 2
    url_file: SecretFile


ChannelConfig = Annotated[
    EmailConfig | WebhookConfig | PagerDutyConfig | SlackConfig | TeamsConfig | SmsConfig | VoiceConfig | AppriseConfig,
    Field(discriminator="kind"),
]
