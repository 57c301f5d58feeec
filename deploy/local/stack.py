"""The whole product on one machine: Kafka, PostgreSQL, a mail server and the four services, as child processes."""

import asyncio
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import yaml
from argon2 import PasswordHasher

from deploy.kafka.topics import create_topics
from deploy.local import secret, stale
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres, admin_dsn
from deploy.local.process import Child, Command, free_port
from shared.postgres import provision

SERVICES = {"intake": "intake", "sla_timer": "sla", "notifier": "notifier", "backup_audit": "backup"}
PORTS = {"intake": 8001, "sla_timer": 8002, "notifier": 8003, "backup_audit": 8004}
DEMO = Path(__file__).parent / "demo"
_RESTART_SECONDS = (0.5, 10.0)


class AlreadyRunning(Exception):
    """Another launcher holds this folder."""


@dataclass
class Stack:
    """One stack over one folder ``var``. ``fixed_ports``: the design's ports, the next free ones if they are taken.

    ``configuration``: folders that are laid over one another, the last one on top.
    """

    var: Path
    report: Callable[[str], None]
    fixed_ports: bool = True
    configuration: Sequence[Path] = (DEMO,)
    kafka: Kafka | None = None
    postgres: Postgres | None = None
    http: dict[str, str] = field(default_factory=dict)
    smtp_port: int = 0
    _out_port: int = 0
    _kafka_port: int = 0
    _postgres_port: int = 0
    _holds_folder: bool = False
    _children: dict[str, Child] = field(default_factory=dict)
    _keepers: list["asyncio.Task[None]"] = field(default_factory=list)

    @property
    def mail(self) -> Path:
        """Return the Maildir with every message that left."""
        return self.var / "mail"

    @property
    def token(self) -> str:
        """Return the demo's bearer token for ``POST /v1/events``."""
        return secret.made_once(self.var / "secrets" / "demo_token")

    @property
    def desk_password(self) -> str:
        """Return the password of the demo's agent at the desk pages."""
        return secret.typed(self.var / "secrets" / "demo_desk_password")

    async def start(self, services: Collection[str] = tuple(SERVICES)) -> None:
        """Bring everything up; whoever calls must call ``stop`` whatever happens."""
        await self._hold_folder()
        self._choose_ports()
        self._write()
        await self._start_servers()
        self._configure()
        await self._migrate()
        for name in ("mail", *services):
            await self._start_child(name)
        self._keepers = [asyncio.create_task(self._keep(name)) for name in ("kafka", "postgres", "mail", *services)]

    async def _hold_folder(self) -> None:
        """Make the folder ours before anything starts in it, and end what a killed run left."""
        left = stale.recorded(self.var / "stack.json")
        if "launcher" in left:
            raise AlreadyRunning(f"a stack is already running over {self.var} (process {left['launcher'][0]})")
        self._holds_folder = True
        self._write(left)
        if left:
            self.report(f"ending what a killed run left: {', '.join(left)}")
            await stale.end(left)

    def _choose_ports(self) -> None:
        fixed = self.fixed_ports
        self.smtp_port, self._out_port = free_port(2525 if fixed else None), free_port()
        self.http = {name: f"http://127.0.0.1:{free_port(port if fixed else None)}" for name, port in PORTS.items()}
        self._kafka_port, self._postgres_port = free_port(29092 if fixed else None), free_port()

    async def _start_child(self, name: str) -> None:
        self._children[name] = await Child.start(self._mail_server() if name == "mail" else self._command(name))
        self._write()

    async def _start_servers(self) -> None:
        def kafka_began(server: Kafka) -> None:
            self.kafka = server
            self._write()

        def postgres_began(server: Postgres) -> None:
            self.postgres = server
            self._write()

        async def broker() -> None:
            log, port = self._log("kafka"), self._kafka_port
            await Kafka.start(self.var / "kafka", port=port, log=log, report=self.report, began=kafka_began)

        async def database() -> None:
            log, port = self._log("postgres"), self._postgres_port
            await Postgres.start(self.var / "postgres", port=port, log=log, began=postgres_began)

        await asyncio.gather(broker(), database())
        if self.kafka is None or self.postgres is None:
            raise RuntimeError("a server did not start")
        passwords = secret.passwords(self.var / "secrets")
        await asyncio.gather(provision(self.postgres.admin_dsn, passwords), create_topics(self.kafka.bootstrap))

    def _configure(self) -> None:
        """Copy the configuration with this folder's path, and leave the routine's failing receipt."""
        config = self.var / "config"
        for folder in self.configuration:
            shutil.copytree(folder, config, dirs_exist_ok=True)
        clients = config / "clients.yaml"
        clients.write_text(clients.read_text(encoding="utf-8").replace("@VAR@", str(self.var)), encoding="utf-8")
        digest = hashlib.sha256(self.token.encode()).hexdigest()
        types = [
            f"ticket.{t}" for t in ("opened", "assigned", "responded", "paused", "resumed", "resolved", "cancelled")
        ]
        tokens = [{"name": "demo", "sha256": digest, "source_prefix": "demo", "types": types}]
        (config / "tokens.yaml").write_text(yaml.safe_dump({"tokens": tokens}), encoding="utf-8")
        agent = {"name": "Ana", "password": PasswordHasher().hash(self.desk_password)}
        (config / "agents.yaml").write_text(yaml.safe_dump({"agents": {"ana": agent}}), encoding="utf-8")
        for key in ("notifier_token_key", "intake_thread_key"):
            secret.made_once(self.var / "secrets" / key)
        directory = self.var / "backups" / "acme"
        directory.mkdir(parents=True, exist_ok=True)
        receipt = {"run_id": "demo", "database": "acme", "exit_codes": {"pg_dump": 1}}
        (directory / "receipt.json").write_text(json.dumps(receipt), encoding="utf-8")

    def _log(self, name: str) -> Path:
        return self.var / "log" / f"{name}.log"

    def dsn(self, role: str) -> str:
        """Return the DSN of a role; its password stands in the pgpass file."""
        port = self.postgres.port if self.postgres else self._postgres_port
        return f"postgresql://{role}@127.0.0.1:{port}/prazo?passfile={self.var / 'secrets' / 'pgpass'}"

    def _environment(self, name: str) -> dict[str, str]:
        return {
            "PRAZO_KAFKA": self.kafka.bootstrap if self.kafka else "",
            "PRAZO_DATABASE_URL": self.dsn(f"{SERVICES[name]}_app"),
            "PRAZO_OWNER_DATABASE_URL": self.dsn(f"{SERVICES[name]}_owner"),
            "PRAZO_HTTP_PORT": self.http[name].rpartition(":")[2],
            "PRAZO_CONFIG_DIR": str(self.var / "config"),
            "PRAZO_SECRETS_DIR": str(self.var / "secrets"),
            "PRAZO_SMTP_PORT": str(self.smtp_port),
            "PRAZO_SMTP_OUT": f"127.0.0.1:{self._out_port}",
            "PRAZO_MAIL_FROM": "prazo@example.invalid",
            "PRAZO_PUBLIC_URL": self.http["notifier"],
            "PRAZO_AUDIT_INTERVAL_SECONDS": "1",
            "PRAZO_SETTLE_SECONDS": "3",
        }

    def _mail_server(self) -> Command:
        argv = [sys.executable, "-m", "deploy.local.mailbox", str(self._out_port), str(self.mail)]
        return Command(argv, self._log("mail"))

    def _command(self, name: str, *more: str) -> Command:
        argv = [sys.executable, "-m", f"services.{name}", *more]
        return Command(argv, self._log(name), self._environment(name))

    async def _migrate(self) -> None:
        runs = await asyncio.gather(*(Child.start(self._command(name, "migrate")) for name in SERVICES))
        for name, code in zip(SERVICES, await asyncio.gather(*(run.wait() for run in runs)), strict=True):
            if code:
                raise RuntimeError(f"{name}: its schema could not be migrated: see {self._log(name)}")

    async def _keep(self, name: str) -> None:
        """Keep a server or a service running: restart it with backoff whenever it ends, and say so."""
        wait, longest = _RESTART_SECONDS
        while True:
            began = asyncio.get_running_loop().time()
            code = await self._ended(name)
            if asyncio.get_running_loop().time() - began > 60:
                wait = _RESTART_SECONDS[0]
            last = self._log(name).read_text(encoding="utf-8", errors="replace").strip().rpartition("\n")[2]
            self.report(f"{name} ended ({code}), starting it again in {wait:.1f} s: {last[:200]}")
            await asyncio.sleep(wait)
            wait = min(wait * 2, longest)
            await self._start_again(name)

    def _server(self, name: str) -> Kafka | Postgres | None:
        return {"kafka": self.kafka, "postgres": self.postgres}.get(name)

    async def _ended(self, name: str) -> int:
        server = self._server(name)
        return await (self._children[name] if server is None else server).wait()

    async def _start_again(self, name: str) -> None:
        server = self._server(name)
        if server is None:
            await self._start_child(name)
            return
        try:
            await server.restart()
        except Exception as error:  # noqa: BLE001  # the edge: whatever kept it from starting is said and tried again
            self.report(f"{name} did not start: {error or type(error).__name__}")
            await server.kill()
        else:
            self.report(f"{name} answers again")

    def _write(self, left: Mapping[str, stale.Identity] | None = None) -> None:
        """Write every address, and every process that runs by now; ``left``: what still runs of an earlier launcher."""
        running = {name: child.pid for name, child in self._children.items() if child.returncode is None}
        running |= {n: s.pid for n, s in (("kafka", self.kafka), ("postgres", self.postgres)) if s is not None}
        running["launcher"] = os.getpid()
        places = {
            "kafka": self.kafka.bootstrap if self.kafka else f"127.0.0.1:{self._kafka_port}",
            "postgres": self.dsn("grafana_ro"),
            "postgres_admin": admin_dsn(
                self.var / "postgres", self.postgres.port if self.postgres else self._postgres_port
            ),
            "smtp": f"127.0.0.1:{self.smtp_port}",
            "mail": str(self.mail),
            "services": {
                name: {"http": url, **{path: f"{url}/{path}" for path in ("metrics", "livez", "readyz")}}
                for name, url in self.http.items()
            },
            "pids": {**(left or {}), **{n: who for n, pid in running.items() if (who := stale.identity(pid))}},
        }
        self.var.mkdir(parents=True, exist_ok=True)
        temporary = self.var / "stack.json.new"
        temporary.write_text(json.dumps(places, indent=2), encoding="utf-8")
        temporary.replace(self.var / "stack.json")

    async def not_ready(self) -> dict[str, str]:
        """Return what does not answer ``/readyz``, with the reason."""
        wrong: dict[str, str] = {}
        async with httpx.AsyncClient(timeout=5) as client:
            for name, url in self.http.items():
                try:
                    answer = await client.get(f"{url}/readyz")
                except httpx.HTTPError as error:
                    wrong[name] = f"{url}/readyz does not answer ({type(error).__name__})"
                    continue
                if answer.status_code != 200:
                    wrong[name] = f"{url}/readyz says {answer.text[:200]}"
        return wrong

    async def stop(self) -> None:
        """End everything orderly, services first."""
        for keeper in self._keepers:
            keeper.cancel()
        await asyncio.gather(*self._keepers, return_exceptions=True)
        await asyncio.gather(*(child.stop() for child in self._children.values()))
        servers = [server.stop() for server in (self.kafka, self.postgres) if server is not None]
        await asyncio.gather(*servers)
        if self._holds_folder:  # else it is the other launcher's
            (self.var / "stack.json").unlink(missing_ok=True)
