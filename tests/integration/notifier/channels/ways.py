"""Channels under test, opened as the service opens them, with secrets that are canaries."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from services.notifier.domain.channel_config import ChannelConfig
from services.notifier.domain.message import Channel
from services.notifier.transports.guard import Resolve, system_resolve
from services.notifier.transports.opening import open_channels
from tests.fakes import ami, pagerduty, slack, teams, twilio, zenvia
from tests.fakes.pagerduty import PagerDutyApi
from tests.fakes.remote import Remote
from tests.fakes.slack import SlackHook
from tests.fakes.teams import TeamsFlow
from tests.fakes.twilio import TwilioApi
from tests.fakes.webhook import Receiver
from tests.fakes.zenvia import ZenviaApi

KEY = "canary" + "k" * 40
LOOPBACK = (IPv4Network("127.0.0.0/8"),)
FAKES: Mapping[str, type[Remote]] = {
    "webhook": Receiver,
    "pagerduty": PagerDutyApi,
    "slack": SlackHook,
    "teams": TeamsFlow,
    "twilio": TwilioApi,
    "zenvia": ZenviaApi,
}
Receiver.key = KEY.encode()


@dataclass(frozen=True)
class World:
    """Settings: where mail goes, and that loopback may be reached."""

    smtp_out: str = "127.0.0.1:1"
    mail_from: str = "prazo@desk.example"
    allowed_networks: tuple[IPv4Network | IPv6Network, ...] = field(default=LOOPBACK)


def config(name: str, url: str, **more: Any) -> dict[str, Any]:
    """Return the configuration of a channel to a remote at ``url``."""
    ways: dict[str, dict[str, Any]] = {
        "webhook": {"kind": "webhook", "url": f"{url}/hook", "key_file": "key"},
        "pagerduty": {"kind": "pagerduty", "url": f"{url}/v2/enqueue", "routing_key_file": "routing"},
        "slack": {"kind": "slack", "url_file": "slack"},
        "teams": {"kind": "teams", "url_file": "teams"},
        "twilio": {
            "kind": "sms",
            "provider": "twilio",
            "url": url,
            "account": twilio.ACCOUNT,
            "token_file": "twilio",
            "sender": twilio.SENDER,
        },
        "zenvia": {"kind": "sms", "provider": "zenvia", "url": url, "token_file": "zenvia", "sender": zenvia.SENDER},
    }
    return {"timeout": "1s", **ways[name], **more}


def write_secrets(folder: Path, url: str = "") -> None:
    """Write every secret that a channel of ``config`` needs."""
    secrets = {
        "key": KEY,
        "routing": pagerduty.ROUTING_KEY,
        "slack": url + slack.PATH,
        "teams": url + teams.PATH,
        "twilio": twilio.TOKEN,
        "zenvia": zenvia.TOKEN,
        "ami": ami.SECRET,
    }
    for name, text in secrets.items():
        (folder / name).write_text(text + "\n", encoding="ascii")


@asynccontextmanager
async def opened(
    folder: Path, settings: Mapping[str, Any], world: World | None = None, resolve: Resolve = system_resolve
) -> AsyncIterator[Channel]:
    """Open one channel."""
    parsed = TypeAdapter[ChannelConfig](ChannelConfig).validate_python(settings)
    async with open_channels({"way": parsed}, folder, world or World(), resolve) as channels:
        yield channels["way"]


@asynccontextmanager
async def way(name: str, remote: Remote, folder: Path, **more: Any) -> AsyncIterator[Channel]:
    """Open a channel to a remote that listens."""
    write_secrets(folder, remote.url)
    async with opened(folder, config(name, remote.url, **more)) as channel:
        yield channel
