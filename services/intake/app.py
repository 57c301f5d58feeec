"""Wiring of intake."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial

from starlette.routing import BaseRoute

from services.intake.configuration import always_urgent_of, read_secret, read_thread_key, remote_access_of
from services.intake.domain.limits import Rate
from services.intake.domain.phone import Phone, Suggested
from services.intake.domain.window import Window
from services.intake.handlers.call_tickets import CallDesk
from services.intake.handlers.calls import decide_calls
from services.intake.handlers.desk import Desk
from services.intake.handlers.follow import follow_clocks, follow_tickets
from services.intake.handlers.mail import open_tickets
from services.intake.handlers.retention import Kept, forget_old, kept
from services.intake.pages import routes
from services.intake.pages.access import Gate, Proxy
from services.intake.pages.office import Office
from services.intake.reader import Reader
from services.intake.reloading import Configured, read_files
from services.intake.sender import ReplySender
from services.intake.settings import Settings
from services.intake.sources.ami import AmiReader
from services.intake.sources.api import Peers, Resource, api_routes
from services.intake.sources.calls import CallsEndpoint
from services.intake.sources.docs import DocsPage
from services.intake.sources.events import EventsEndpoint
from services.intake.sources.imap import ImapReaders
from services.intake.sources.limits import Limiter
from services.intake.sources.openapi import openapi_resource
from services.intake.sources.openapi_calls import calls_resource
from services.intake.sources.openapi_events import events_resource
from services.intake.sources.publishers import Publishers
from services.intake.sources.smtp import SmtpServer
from shared import clock
from shared.catalog import load_directory
from shared.mail import MailServer
from shared.service import App, Kit, Loop


def build(settings: Settings, kit: Kit) -> App:
    """Wire SMTP and IMAP, the reader that they wake, the HTTP endpoints, the telephone, and what forgets old events."""
    arrived, rang = asyncio.Event(), asyncio.Event()
    catalogs = load_directory(settings.config_dir / "catalog")
    key = read_thread_key(settings.secrets_dir)
    files = read_files(settings, key, always_urgent_of(catalogs))
    known, phone = files.known, files.phone
    reader = Reader(known)
    prefix = settings.topic_prefix
    remote = remote_access_of(catalogs)
    desk = Desk(kit.pool, f"{prefix}tickets.v1", f"{prefix}notices.v1", known, reader.read, remote)
    sender = ReplySender(kit.pool, MailServer.at(settings.smtp_out), known.identity.auto_reply, key, catalogs)
    publishers = Publishers.read(settings.config_dir / "tokens.yaml")  # no file: nobody may publish
    endpoint = EventsEndpoint(desk, publishers, Limiter("token", asyncio.get_running_loop().time))
    imap = ImapReaders(files.mailboxes, settings.secrets_dir, kit.pool, arrived, settings.smtp_size_limit_bytes)
    suggested = Suggested(known.clients, phone.ddd or "")
    calls = CallDesk(desk, phone, known.agents, suggested, Window(catalogs))
    posted = CallsEndpoint(desk, files.keys, rang)
    kit.subscribe("tickets.v1", partial(follow_tickets, desk))
    kit.subscribe("sla.v1", partial(follow_clocks, desk))
    proxy = Proxy(settings.desk_proxy_addresses, settings.desk_proxy_header)
    gate = Gate.of(kit.pool, known.agents, proxy)
    configured = Configured(settings, files, calls, reader, sender, gate, publishers, posted)
    return App(
        routes=[
            *http_routes([events_resource(endpoint), calls_resource(posted)], settings),
            *routes(gate, Office(desk, calls, catalogs)),
        ],
        loops=[
            Loop("reader", partial(open_tickets, desk), 1.0, wake=arrived),
            Loop("replies", sender.turn, 1.0),
            Loop("calls", lambda: decide_calls(calls, clock.now()), 1.0, wake=rang),
            Loop("retention", lambda: forget_old(kit.pool, _keeping(settings, desk), clock.now()), 30.0),
        ],
        resources=[reader, SmtpServer(settings, kit.pool, arrived), imap, *_exchanges(settings, phone, kit, rang)],
        reload=configured.reload,
    )


def _keeping(settings: Settings, desk: Desk) -> Sequence[Kept]:
    threads = desk.known.identity.thread_open_for
    return kept(timedelta(days=settings.personal_days), timedelta(days=settings.history_days), threads)


def http_routes(resources: Sequence[Resource], settings: Settings) -> list[BaseRoute]:
    """Return everything under ``/v1``: ``resources``, and what describes them."""
    page = DocsPage()
    openapi, document = openapi_resource([*resources, page.resource])
    page.render(document)
    rate = Rate(per_second=settings.http_peer_per_second, burst=settings.http_peer_burst)
    peers = Peers(Limiter("peer", asyncio.get_running_loop().time), rate)
    return api_routes([*resources, openapi, page.resource], peers)


def _exchanges(settings: Settings, phone: Phone, kit: Kit, rang: asyncio.Event) -> list[AmiReader]:
    """Return a reader for each exchange that has a manager interface."""
    open_for = timedelta(hours=phone.open_hours)
    return [
        AmiReader(
            kit.pool,
            exchange.name,
            exchange.ami,
            read_secret(settings.secrets_dir / exchange.ami.secret_file).decode("utf-8", "replace"),
            rang,
            open_for,
        )
        for exchange in phone.exchanges
        if exchange.ami is not None
    ]
