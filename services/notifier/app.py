"""Wiring of notifier."""

from functools import partial
from pathlib import Path

from services.notifier.domain.oncall import OnCall
from services.notifier.handlers import Notifier, ingest
from services.notifier.pages import Pages
from services.notifier.sender import Sender
from services.notifier.settings import Settings
from services.notifier.transports.smtp import SmtpTransport
from shared.config import Misconfigured, read_config
from shared.service import App, Kit, Loop

SLA = "sla.v1"
_POLL_SECONDS = 0.2


def load_key(path: Path) -> bytes:
    """Return the key that proves acknowledgement links: a file of at least 32 bytes in hex, the same for every replica."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path}: a file with at least 64 hex digits is needed ({type(error).__name__})") from None
    if len(key) < 32:
        raise Misconfigured(f"{path}: at least 64 hex digits are needed")
    return key


def build(settings: Settings, kit: Kit) -> App:
    """Wire ingest, sender and pages."""
    oncall = read_config(settings.config_dir / "oncall.yaml", OnCall)
    key = load_key(settings.secrets_dir / "notifier_token_key")
    notifier = Notifier(kit.pool, oncall, f"{settings.topic_prefix}notices.v1")
    kit.subscribe(SLA, partial(ingest, notifier))
    transport = SmtpTransport(settings.smtp_out, settings.mail_from)
    sender = Sender(notifier, transport, key, settings.public_url)
    return App(loops=[Loop("sender", sender.turn, _POLL_SECONDS)], routes=Pages(notifier, key).routes())
