"""Wiring of notifier."""

from functools import partial

from services.notifier.configuration import read_oncall
from services.notifier.handlers import Notifier, ingest
from services.notifier.pages import Pages
from services.notifier.sender import Sender
from services.notifier.settings import Settings
from services.notifier.transports.smtp import SmtpTransport
from shared import clock
from shared.config import read_key
from shared.service import App, Kit, Loop

SLA = "sla.v1"
_POLL_SECONDS = 0.2


def build(settings: Settings, kit: Kit) -> App:
    """Wire ingest, sender and pages."""
    oncall = read_oncall(settings.config_dir, clock.now())
    key = read_key(settings.secrets_dir / "notifier_token_key")
    notifier = Notifier(kit.pool, oncall, f"{settings.topic_prefix}notices.v1")
    kit.subscribe(SLA, partial(ingest, notifier))
    transport = SmtpTransport(settings.smtp_out, settings.mail_from)
    sender = Sender(notifier, transport, key, settings.public_url)
    return App(loops=[Loop("sender", sender.turn, _POLL_SECONDS)], routes=Pages(notifier, key).routes())
