"""The runtime that all four services share: settings → resources → loops → HTTP → orderly end."""

import asyncio
import gc
import os
import re
import signal
import sys
import threading
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

import asyncpg
import structlog
import uvloop
from prometheus_client import Counter
from pydantic import AfterValidator, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError
from starlette.routing import BaseRoute

from shared.config import Misconfigured
from shared.errors import PrazoError
from shared.kafka import Broker, Consumer, Handle, Producer, backoff_seconds, keep_trying, new_broker, subscribe
from shared.observability import configure_logging
from shared.outbox import Relay
from shared.postgres import create_pool, is_of_the_data, migrate
from shared.web import Server, web_app

log = structlog.get_logger(__name__)

SHUTDOWN_SECONDS = 20.0
STALE_LOOP_SECONDS = 60.0
RELAY_PERIOD_SECONDS = 0.05

loop_errors = Counter("prazo_loop_errors_total", "Turns of a loop that failed and were retried.", ["loop"])


def _servers(text: str) -> str:
    servers = [one.strip() for one in text.split(",")]
    if not all(re.fullmatch(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]]+)(?::[0-9]{1,5})?", one) for one in servers):
        raise ValueError("must be HOST:PORT, several parted by commas")
    return ",".join(servers)


def _dsn(text: str) -> str:
    if text:
        try:
            urlsplit(text)
        except ValueError:
            raise ValueError("must be a postgresql:// URL") from None
    return text


class ServiceSettings(BaseSettings):
    """What every service reads from ``PRAZO_…``; no value here is a secret (passwords come by ``passfile``)."""

    model_config = SettingsConfigDict(env_prefix="PRAZO_", env_ignore_empty=True, frozen=True)

    kafka: Annotated[str, AfterValidator(_servers)] = "127.0.0.1:29092"
    database_url: Annotated[str, AfterValidator(_dsn)]
    owner_database_url: str | None = None
    http_host: str = "127.0.0.1"
    http_port: int
    config_dir: Path = Path("deploy/config")
    secrets_dir: Path = Path("var/secrets")
    topic_prefix: str = ""


@dataclass(slots=True)
class Loop:
    """Something done again and again; ``turn`` returns True when there may be more at once."""

    name: str
    turn: Callable[[], Awaitable[bool]]
    period_seconds: float
    wake: asyncio.Event | None = None
    turned_at: float = 0.0


@dataclass(slots=True)
class App:
    """What a service adds to the runtime. ``resources`` are entered before the loops start, left in reverse.

    ``reload`` is called on SIGHUP; it never raises.
    """

    loops: list[Loop] = field(default_factory=list)
    routes: list[BaseRoute] = field(default_factory=list)
    resources: list[AbstractAsyncContextManager[Any]] = field(default_factory=list)
    reload: Callable[[], None] | None = None


@dataclass(slots=True)
class Kit:
    """What the runtime gives a service to build with."""

    name: str
    settings: Any
    pool: "asyncpg.Pool[asyncpg.Record]"
    producer: Producer
    broker: Broker
    consumers: list[Consumer] = field(default_factory=list)
    recorded: asyncio.Event = field(default_factory=asyncio.Event)  # a hint that the outbox has something new
    log: Any = log

    def subscribe(self, topic: str, handle: Handle) -> Consumer:
        """Consume ``topic`` (without prefix) in the service's group; see ``shared.kafka.subscribe``."""
        name = f"{self.settings.topic_prefix}{topic}"
        group = f"{self.settings.topic_prefix}prazo.{self.name}"
        consumer = subscribe(self.broker, self.producer, group, name, handle)
        self.consumers.append(consumer)
        return consumer


S = TypeVar("S", bound=ServiceSettings)
Build = Callable[[Any, Kit], App]


def wrong_settings(error: ValidationError) -> list[str]:
    """Return each error of the settings by the name of its variable; no value is repeated."""
    return [f"PRAZO_{str(e['loc'][0]).upper()}: {e['msg']}" for e in error.errors(include_input=False)]


def main(name: str, schema: str, settings_type: type[S], build: Build, migrations: Path) -> None:
    """Run ``python -m services.<name> [migrate]``; exit code 2 for wrong settings or configuration, with every error."""
    configure_logging(name)
    try:
        settings = settings_type()
        if sys.argv[1:] == ["migrate"]:
            applied = asyncio.run(migrate(settings.owner_database_url or settings.database_url, schema, migrations))
            print(f"{name}: schema {schema} is current ({len(applied)} applied)")
            return
        if sys.argv[1:]:
            sys.exit(f"usage: python -m services.{name} [migrate]")
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(run(name, schema, settings, build))
    except ValidationError as error:
        print("\n  ".join([f"{name}: wrong settings", *wrong_settings(error)]), file=sys.stderr)
        sys.exit(2)
    except SettingsError as error:  # a list that is no JSON; it names the field and never the value
        print(f"{name}: wrong settings\n  {error}; PRAZO_… lists are JSON", file=sys.stderr)
        sys.exit(2)
    except PrazoError as error:
        print(f"{name}: {error}", file=sys.stderr)
        sys.exit(2)


async def run(name: str, schema: str, settings: ServiceSettings, build: Build) -> None:
    """Run a service until SIGTERM or SIGINT; ends within ``SHUTDOWN_SECONDS`` or the process is ended hard."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        pool = create_pool(settings.database_url, schema)
        await pool  # prepares it; the first use connects
        stack.push_async_callback(_close_pool, pool)
        producer = await stack.enter_async_context(Producer(settings.kafka))
        kit = Kit(name, settings, pool, producer, new_broker(settings.kafka))
        app = build(settings, kit)
        if app.reload is not None:
            asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, app.reload)
        relay = await stack.enter_async_context(Relay(pool, producer))
        loops = [*app.loops, Loop("relay", relay.turn, RELAY_PERIOD_SECONDS, kit.recorded)]
        for resource in app.resources:
            await stack.enter_async_context(resource)
        for loop in loops:
            loop_errors.labels(loop.name)
        turning = [asyncio.create_task(keep_turning(loop), name=loop.name) for loop in loops]
        tasks = list(turning)
        if kit.consumers:
            tasks.append(asyncio.create_task(keep_trying("consumer", kit.broker.start), name="consumer"))
        server = Server(
            web_app(_live(kit, loops), _ready(kit, loops), app.routes), settings.http_host, settings.http_port
        )
        serving = asyncio.create_task(server.serve(), name="http")
        settle_memory()
        log.info("service_started", http_port=settings.http_port)
        await _until_one_ends(stop, [serving, *turning], tasks[len(turning) :])
        log.info("service_stopping")
        _end_hard_after(SHUTDOWN_SECONDS)
        server.should_exit = True
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, serving, return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(kit.broker.stop(), 5)
    log.info("service_stopped")
    for error in ended:
        if isinstance(error, Misconfigured):
            raise error


async def _until_one_ends(stop: asyncio.Event, lasting: Sequence[Any], starting: Sequence[Any]) -> None:
    """Wait for the signal, or until something that should last ends, or a start fails."""
    watched = {asyncio.create_task(stop.wait()), *lasting, *starting}
    while True:
        done, watched = await asyncio.wait(watched, return_when=asyncio.FIRST_COMPLETED)
        if any(task not in starting or task.exception() is not None for task in done):
            return


def settle_memory() -> None:
    """What stands now stays: never look at it again, and look for cycles seldom, for batches leave none behind."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)


def _end_hard_after(seconds: float) -> None:
    watchdog = threading.Timer(seconds, os._exit, args=(70,))
    watchdog.daemon = True
    watchdog.start()


async def _close_pool(pool: "asyncpg.Pool[asyncpg.Record]") -> None:
    try:
        await asyncio.wait_for(pool.close(), 5)
    except TimeoutError:
        pool.terminate()


async def keep_turning(loop: Loop) -> None:
    """Turn ``loop`` for ever: the edge where its failures are counted, logged and waited out."""
    failures = 0
    while True:
        loop.turned_at = asyncio.get_running_loop().time()
        try:
            more = await loop.turn()
            failures = 0
        except Misconfigured:  # nothing that trying again would mend
            raise
        except Exception as error:  # noqa: BLE001  # the edge: counted, logged, retried
            loop_errors.labels(loop.name).inc()
            said = "" if is_of_the_data(error) else str(error).partition("\n")[0][:200]  # else it may quote a person
            log.warning("loop_failed", loop=loop.name, error=type(error).__name__, detail=said)
            await asyncio.sleep(backoff_seconds(failures))
            failures += 1
            continue
        if not more:
            await _pause(loop)


async def _pause(loop: Loop) -> None:
    if loop.wake is None:
        await asyncio.sleep(loop.period_seconds)
        return
    with suppress(TimeoutError):
        await asyncio.wait_for(loop.wake.wait(), loop.period_seconds)
    loop.wake.clear()


def _live(kit: Kit, loops: Sequence[Loop]) -> Callable[[], Awaitable[Mapping[str, str]]]:
    async def check() -> Mapping[str, str]:
        now = asyncio.get_running_loop().time()
        ages = {f"loop {loop.name}": now - loop.turned_at - loop.period_seconds for loop in loops}
        ages |= {f"consumer {c.topic}": now - c.turned_at for c in kit.consumers if c.turned_at is not None}
        return {name: f"its turn is {age:.0f} s late" for name, age in ages.items() if age > STALE_LOOP_SECONDS}

    return check


def _ready(kit: Kit, loops: Sequence[Loop]) -> Callable[[], Awaitable[Mapping[str, str]]]:
    async def check() -> Mapping[str, str]:
        wrong = dict(await _live(kit, loops)())
        try:
            await kit.pool.fetchval("SELECT 1 FROM outbox LIMIT 1", timeout=2)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as error:
            wrong["postgres"] = type(error).__name__
        if not kit.producer.started:
            wrong["kafka"] = "no broker reached"
        for consumer in kit.consumers:
            if consumer.aiokafka is None or not consumer.aiokafka.assignment():
                wrong[f"consumer {consumer.topic}"] = "no partition assigned"
        return wrong

    return check
