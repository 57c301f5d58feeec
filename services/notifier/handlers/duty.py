"""What the ways in share: the pool, who is on call, and the bells of the loops."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

import asyncpg

from services.notifier.domain.facts import Facts
from services.notifier.domain.oncall import OnCall
from services.notifier.domain.reach import methods_of, people_of
from services.notifier.store.pages import Way


@dataclass(slots=True)
class Duty:
    """``oncall`` and ``account_managers`` (by client) are replaced when their files are read again."""

    pool: "asyncpg.Pool[asyncpg.Record]"
    oncall: OnCall
    notices_topic: str
    account_managers: Mapping[str, str] = field(default_factory=dict)
    stepped: asyncio.Event = field(default_factory=asyncio.Event)  # a hint that steps may be due
    bells: dict[str, asyncio.Event] = field(default_factory=dict)  # by channel: that notices may be due

    def ring(self, channels: Iterable[str] | None = None) -> None:
        """Wake the lanes of ``channels`` (None: every lane): there may be something to send."""
        for name in self.bells if channels is None else channels:
            if name in self.bells:
                self.bells[name].set()

    def people(self, target: str, at: datetime, facts: Facts) -> tuple[str, ...]:
        """Return who a step's target is at an instant; nobody is ()."""
        manager = self.account_managers.get(facts.client or "")
        return people_of(self.oncall, target, at, facts.assignee, manager)

    def ways(self, person: str, at: datetime, emergency: bool, by: tuple[str, ...] = ()) -> tuple[Way, ...]:
        """Return by what a person is told from an instant on, in their order; () when there is nothing that works."""
        found: list[Way] = []
        nth: dict[str, int] = {}
        methods = self.oncall.people[person].methods
        order = {i: _nth(nth, method.by) for i, method in enumerate(methods)}
        for method in methods_of(self.oncall, person, at, emergency, by):
            quiet = method.due_at > at + methods[method.index].after
            found.append(Way(method.channel, order[method.index], method.index, method.due_at, quiet))
        return tuple(found)


def _nth(seen: dict[str, int], channel: str) -> int:
    seen[channel] = seen.get(channel, -1) + 1
    return seen[channel]
