"""Wiring of notifier."""

from contextlib import AsyncExitStack
from functools import partial

from services.notifier import metrics
from services.notifier.auditor import Auditor
from services.notifier.composing import Composer
from services.notifier.configuration import read_account_managers, read_oncall
from services.notifier.domain.message import Channel
from services.notifier.domain.oncall import OnCall
from services.notifier.handlers.duty import Duty
from services.notifier.handlers.ingest import ingest
from services.notifier.handlers.moving import be_impatient
from services.notifier.handlers.opening import open_due
from services.notifier.handlers.reports import hear_notices
from services.notifier.lanes import Lane
from services.notifier.pages import Pages
from services.notifier.pages.callbacks import Callbacks
from services.notifier.pages.proof import read_keys
from services.notifier.reloading import EVERY_SECONDS, Configured
from services.notifier.settings import Settings
from services.notifier.transports.opening import open_channels
from shared import clock
from shared.service import App, Kit, Loop

SLA, NOTICES = "sla.v1", "notices.v1"
_POLL_SECONDS = 0.2


def build(settings: Settings, kit: Kit) -> App:
    """Wire ingest, the opener of pages, one lane for each channel, the auditor, and the acknowledgement pages."""
    oncall = read_oncall(settings.config_dir, clock.now())
    keys = read_keys(settings.secrets_dir)
    topic = f"{settings.topic_prefix}{NOTICES}"
    duty = Duty(kit.pool, oncall, topic, read_account_managers(settings.config_dir))
    kit.subscribe(SLA, partial(ingest, duty))
    kit.subscribe(NOTICES, partial(hear_notices, duty))
    composer = Composer(duty, keys[0], settings.public_url)
    opened = OpenChannels(oncall, settings)
    lanes = {
        name: Lane(
            duty,
            name,
            opened.channels,
            composer,
            at_once=config.at_once,
            per_minute=config.per_minute,
            timeout=config.timeout,
        )
        for name, config in oncall.channels.items()
    }
    metrics.begin(lanes)
    configured = Configured(settings, duty)
    auditor = Auditor(duty, settings.heartbeat_url)
    return App(
        loops=[
            Loop("opener", partial(open_due, duty), _POLL_SECONDS, wake=duty.stepped),
            *(Loop(f"lane {name}", lane.turn, _POLL_SECONDS, wake=lane.bell) for name, lane in lanes.items()),
            Loop("impatience", lambda: be_impatient(duty, [n for n, lane in lanes.items() if lane.broken]), 1.0),
            Loop("auditor", auditor.turn, 60.0),
            Loop("calendars", configured.turn, EVERY_SECONDS),
        ],
        resources=[opened, *lanes.values()],
        reload=configured.reload,
        routes=[*Pages(duty, composer, keys).routes(), *Callbacks(duty, keys).routes()],
    )


class OpenChannels:
    """The channels of ``oncall.yaml`` by name, while they are open."""

    def __init__(self, oncall: OnCall, settings: Settings) -> None:
        self._oncall, self._settings = oncall, settings
        self._stack = AsyncExitStack()
        self.channels: dict[str, Channel] = {}

    async def __aenter__(self) -> "OpenChannels":
        """Open all of them; raises ``Misconfigured`` for a secret that is missing."""
        opening = open_channels(self._oncall.channels, self._settings.secrets_dir, self._settings)
        self.channels |= await self._stack.enter_async_context(opening)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close them."""
        await self._stack.aclose()
