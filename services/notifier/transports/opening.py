"""From configuration to channels: secrets are read once, every missing one is named, and all is closed at the end."""

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Protocol, assert_never
from urllib.parse import urlsplit

from services.notifier.domain.channel_config import (
    AppriseConfig,
    ChannelConfig,
    EmailConfig,
    PagerDutyConfig,
    SlackConfig,
    SmsConfig,
    TeamsConfig,
    VoiceConfig,
    WebhookConfig,
)
from services.notifier.domain.message import Channel
from services.notifier.transports.apprise import Apprise
from services.notifier.transports.email import Email, MailServer
from services.notifier.transports.guard import Guard, Network, Resolve, system_resolve
from services.notifier.transports.http import Endpoint, trust_of
from services.notifier.transports.pagerduty import PagerDuty
from services.notifier.transports.slack import Slack
from services.notifier.transports.sms import Sms
from services.notifier.transports.sms_providers import Twilio, Zenvia
from services.notifier.transports.teams import Teams
from services.notifier.transports.voice import Exchange, Voice
from services.notifier.transports.webhook import Webhook
from shared.config import Misconfigured

_KEY_LENGTH = 32  # characters of a key that signs webhooks
_TALKATIVE = ("httpx", "httpcore", "apprise", "urllib3", "requests")  # their lines hold URLs, and those are secrets


class Outside(Protocol):
    """What the settings say of the world outside. ``allowed_networks``: inner networks that channels over HTTP may reach."""

    @property
    def smtp_out(self) -> str:
        """host:port of the mail server of a channel that names none."""
        ...

    @property
    def mail_from(self) -> str:
        """Sender of a channel that names none."""
        ...

    @property
    def allowed_networks(self) -> Sequence[Network]:
        """Empty: public addresses only."""
        ...


@asynccontextmanager
async def open_channels(
    configs: Mapping[str, ChannelConfig], secrets_dir: Path, settings: Outside, resolve: Resolve = system_resolve
) -> AsyncIterator[Mapping[str, Channel]]:
    """Yield each channel by its name; raises ``Misconfigured`` that names every secret that is missing, and none that is there."""
    missing = [
        f"  channels.{name}: no file {secrets_dir / secret}"
        for name, config in configs.items()
        for secret in config.secrets
        if not (secrets_dir / secret).is_file()
    ]
    if missing:
        raise Misconfigured("\n".join(["channels:", *missing]))
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    async with AsyncExitStack() as stack:
        opening = _Opening(stack, secrets_dir, settings, resolve)
        yield {name: opening.channel(config) for name, config in configs.items()}


class _Opening:
    def __init__(self, stack: AsyncExitStack, secrets: Path, settings: Outside, resolve: Resolve) -> None:
        self._stack, self._secrets, self._settings, self._resolve = stack, secrets, settings, resolve

    def channel(self, config: ChannelConfig) -> Channel:
        """Return the channel of a configuration."""
        match config:
            case EmailConfig():
                return self._email(config)
            case WebhookConfig():
                names = (config.key_file, config.next_key_file)
                keys = [self._secret(name, _KEY_LENGTH).encode() for name in names if name is not None]
                return Webhook(self._endpoint(config.url, config), keys)
            case PagerDutyConfig():
                return PagerDuty(self._endpoint(config.endpoint, config), self._secret(config.routing_key_file))
            case SlackConfig():
                return Slack(self._endpoint(self._url(config.url_file), config))
            case TeamsConfig():
                return Teams(self._endpoint(self._url(config.url_file), config))
            case SmsConfig():
                return self._sms(config)
            case VoiceConfig():
                return self._voice(config)
            case AppriseConfig():
                seconds = config.timeout.total_seconds()
                apprise = Apprise(self._secret(config.url_file), seconds, config.at_once)
                self._stack.push_async_callback(apprise.close)
                return apprise
        assert_never(config)

    def _email(self, config: EmailConfig) -> Channel:
        host, _, port = (config.server or self._settings.smtp_out).rpartition(":")
        server = MailServer(
            host=host.strip("[]"),
            port=int(port),
            mail_from=config.mail_from or self._settings.mail_from,
            timeout_seconds=config.timeout.total_seconds(),
            use_tls=config.tls == "implicit",
            start_tls={"auto": None, "starttls": True, "implicit": False, "none": False}[config.tls],
            user=config.user,
            password=None if config.password_file is None else self._secret(config.password_file),
            trust=trust_of(self._ca_file(config.ca_file)),
            kept=config.at_once,
        )
        email = Email(server)
        self._stack.push_async_callback(email.close)
        return email

    def _sms(self, config: SmsConfig) -> Channel:
        token, endpoint = self._secret(config.token_file), self._endpoint(config.endpoint, config)
        if config.provider == "zenvia":
            return Sms(endpoint, Zenvia(token, config.sender))
        user = config.user or config.account or ""
        return Sms(endpoint, Twilio(user, token, config.sender, config.status_callback))

    def _voice(self, config: VoiceConfig) -> Channel:
        return Voice(
            Exchange(
                host=config.host,
                port=config.port,
                user=config.user,
                secret=self._secret(config.secret_file),
                dial=config.dial,
                context=config.context,
                ring=config.ring,
                timeout=config.timeout,
                caller_id=config.caller_id,
            )
        )

    def _endpoint(
        self, url: str, config: WebhookConfig | PagerDutyConfig | SlackConfig | TeamsConfig | SmsConfig
    ) -> Endpoint:
        guard = Guard(self._settings.allowed_networks, self._resolve)
        endpoint = Endpoint(url, guard, config.timeout, self._ca_file(config.ca_file))
        self._stack.push_async_callback(endpoint.close)
        return endpoint

    def _ca_file(self, name: str | None) -> Path | None:
        return None if name is None else self._secrets / name

    def _url(self, name: str) -> str:
        """Return the URL in a secret's file; an error names the file, never what is in it."""
        url = self._secret(name)
        try:
            parts = urlsplit(url)
            fits = parts.scheme in ("https", "http") and parts.hostname and not parts.username and parts.port != 0
        except ValueError:
            fits = False
        if not fits or " " in url:
            raise Misconfigured(f"{self._secrets / name}: an https:// URL is needed")
        return url

    def _secret(self, name: str, at_least: int = 1) -> str:
        path = self._secrets / name
        try:
            secret = path.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise Misconfigured(f"{path}: cannot be read ({type(error).__name__})") from None
        if len(secret) < at_least or not secret.isprintable():
            raise Misconfigured(f"{path}: one line of at least {at_least} characters is needed")
        return secret
