"""Creates the topics explicitly: ``python -m deploy.kafka.topics BOOTSTRAP [PREFIX]``. Existing ones are left alone."""

import asyncio
import sys
from pathlib import Path

import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

_FILE = Path(__file__).with_name("topics.yaml")


async def create_topics(
    bootstrap: str, prefix: str = "", partitions: int | None = None, replication: int = 1
) -> list[str]:
    """Create every topic and its dead-letter topic that does not exist; return the names created."""
    spec = yaml.safe_load(_FILE.read_text(encoding="utf-8"))
    dead = spec["dead_letters"]
    wanted = [
        NewTopic(f"{prefix}{name}{suffix}", count, replication, topic_configs=configuration)
        for name in spec["topics"]
        for suffix, count, configuration in (
            ("", partitions or spec["partitions"], spec["configuration"]),
            (".dlq", dead["partitions"], dead["configuration"]),
        )
    ]
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=10_000)
    await admin.start()
    try:
        existing = set(await admin.list_topics())
        new = [topic for topic in wanted if topic.name not in existing]
        if new:
            await admin.create_topics(new)
        return [topic.name for topic in new]
    finally:
        await admin.close()


if __name__ == "__main__":
    print("\n".join(asyncio.run(create_topics(sys.argv[1], "".join(sys.argv[2:3])))))
