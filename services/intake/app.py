"""Wiring of intake."""

import asyncio
from functools import partial

from starlette.routing import Route

from services.intake.configuration import read_desk
from services.intake.domain.tokens import TokenFile
from services.intake.handlers.desk import Desk
from services.intake.handlers.mail import open_tickets
from services.intake.handlers.submitted import forget_submitted
from services.intake.reader import Reader
from services.intake.settings import Settings
from services.intake.sources.events import EventsEndpoint
from services.intake.sources.smtp import SmtpServer
from shared import clock
from shared.config import read_config
from shared.service import App, Kit, Loop


def build(settings: Settings, kit: Kit) -> App:
    """Wire the SMTP server, the reader that it wakes, the HTTP endpoint, and what forgets its old events."""
    arrived = asyncio.Event()
    reader = Reader(read_desk(settings.config_dir, settings.triage_service))
    desk = Desk(kit.pool, f"{settings.topic_prefix}tickets.v1", settings.triage_service, reader.read)
    tokens = settings.config_dir / "tokens.yaml"
    known = read_config(tokens, TokenFile).tokens if tokens.exists() else ()  # no file: nobody may publish
    endpoint = EventsEndpoint(desk, known)
    return App(
        routes=[Route("/v1/events", endpoint.post, methods=["POST"])],
        loops=[
            Loop("reader", partial(open_tickets, desk), 1.0, wake=arrived),
            Loop("forgetter", lambda: forget_submitted(desk, clock.now()), 30.0),
        ],
        resources=[reader, SmtpServer(settings, kit.pool, arrived)],
    )
