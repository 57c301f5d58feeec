"""Wiring of intake."""

import asyncio
from functools import partial

from starlette.routing import Route

from services.intake.configuration import always_urgent_of, read_catalogs, read_desk, read_key
from services.intake.domain.tokens import TokenFile
from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.handlers.submitted import forget_submitted
from services.intake.reader import Reader
from services.intake.sender import ReplySender
from services.intake.settings import Settings
from services.intake.sources.events import EventsEndpoint
from services.intake.sources.smtp import SmtpServer
from shared import clock
from shared.config import read_config
from shared.mail import MailServer
from shared.service import App, Kit, Loop


def build(settings: Settings, kit: Kit) -> App:
    """Wire the SMTP server, the reader that it wakes, the HTTP endpoint, and what forgets its old events."""
    arrived = asyncio.Event()
    catalogs = read_catalogs(settings.config_dir)
    known = read_desk(
        settings.config_dir,
        settings.triage_service,
        read_key(settings.secrets_dir / "intake_thread_key"),
        always_urgent_of(catalogs),
    )
    reader = Reader(known)
    prefix = settings.topic_prefix
    desk = Desk(kit.pool, f"{prefix}tickets.v1", f"{prefix}notices.v1", known, reader.read)
    reply = known.identity.auto_reply
    sender = ReplySender(kit.pool, MailServer.at(settings.smtp_out), reply, known.key, catalogs)
    tokens = settings.config_dir / "tokens.yaml"
    publishers = read_config(tokens, TokenFile).tokens if tokens.exists() else ()  # no file: nobody may publish
    endpoint = EventsEndpoint(desk, publishers)
    return App(
        routes=[Route("/v1/events", endpoint.post, methods=["POST"])],
        loops=[
            Loop("reader", partial(open_tickets, desk), 1.0, wake=arrived),
            Loop("replies", sender.turn, 1.0),
            Loop("forgetter", lambda: forget_submitted(desk, clock.now()), 30.0),
        ],
        resources=[reader, SmtpServer(settings, kit.pool, arrived)],
    )
