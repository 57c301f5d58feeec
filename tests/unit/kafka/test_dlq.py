"""Reading dead letters never waits for ever."""

import asyncio
from typing import Any

import pytest
from aiokafka import TopicPartition

from shared.kafka import dlq


class Silent:
    """A consumer whose broker went away after it had connected."""

    async def getmany(self, *_: Any, **__: Any) -> dict[TopicPartition, list[Any]]:
        """Give nothing."""
        await asyncio.sleep(0.01)
        return {}

    async def position(self, _: TopicPartition) -> int:
        """Stand still."""
        return 3


async def test_a_broker_that_goes_away_while_letters_are_read_is_a_timeout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dlq, "_CALL_SECONDS", 0.05)
    with pytest.raises(TimeoutError):
        await dlq._fetch(Silent(), TopicPartition("t.dlq", 0), 3)
