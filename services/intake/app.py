"""Wiring of intake."""

import asyncio
from functools import partial

from services.intake.handlers import Desk, open_tickets
from services.intake.settings import Settings
from services.intake.sources.smtp import SmtpServer
from shared.service import App, Kit, Loop


def build(settings: Settings, kit: Kit) -> App:
    """Wire the SMTP server and the reader that it wakes."""
    arrived = asyncio.Event()
    desk = Desk(kit.pool, f"{settings.topic_prefix}tickets.v1", settings.triage_service)
    return App(
        loops=[Loop("reader", partial(open_tickets, desk), 1.0, wake=arrived)],
        resources=[SmtpServer(settings, kit.pool, arrived)],
    )
