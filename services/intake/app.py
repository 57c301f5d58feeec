"""Wiring of intake."""

import asyncio
from functools import partial
from pathlib import Path

import yaml
from pydantic import ValidationError
from starlette.routing import Route

from services.intake.domain.tokens import TokenFile
from services.intake.handlers import Desk, open_tickets
from services.intake.settings import Settings
from services.intake.sources.events import EventsEndpoint
from services.intake.sources.smtp import SmtpServer
from shared.errors import Permanent
from shared.service import App, Kit, Loop


class TokensWrong(Permanent):
    """``tokens.yaml`` cannot be used; the message lists every error."""


def load_tokens(path: Path) -> TokenFile:
    """Return the tokens, or raise ``TokensWrong`` with every error; no file means that nobody may publish."""
    if not path.exists():
        return TokenFile()
    try:
        return TokenFile.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise TokensWrong(f"{path.name}: {error}") from None


def build(settings: Settings, kit: Kit) -> App:
    """Wire the SMTP server, the reader that it wakes, and the HTTP endpoint."""
    arrived = asyncio.Event()
    desk = Desk(kit.pool, f"{settings.topic_prefix}tickets.v1", settings.triage_service)
    endpoint = EventsEndpoint(desk, load_tokens(settings.config_dir / "tokens.yaml").tokens)
    return App(
        routes=[Route("/v1/events", endpoint.post, methods=["POST"])],
        loops=[Loop("reader", partial(open_tickets, desk), 1.0, wake=arrived)],
        resources=[SmtpServer(settings, kit.pool, arrived)],
    )
