"""What people read: instants in Brasília, distances, names in their language, clocks and what happened, in words."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from services.intake.domain.acts import DESK_ZONE
from services.intake.domain.agents import Agents
from services.intake.domain.following import ClockWord, Happened
from services.intake.texts import TEXTS
from shared.catalog import Catalogs
from shared.clients import Clients
from shared.clock import to_us

_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_SOON = timedelta(minutes=30)


class ClockView(NamedTuple):
    """A clock in words; ``tone`` (late, soon, calm, still or done) only repeats what the words say."""

    metric: str
    cycle: int
    state: str
    tone: str
    due: str
    note: str


class Entry(NamedTuple):
    """What happened, in words."""

    at: str
    what: str
    detail: str
    by: str


class View:
    """Words for one person: a language and an instant; names from the configuration."""

    def __init__(self, language: str, now: datetime, catalogs: Catalogs, clients: Clients, agents: Agents) -> None:
        self.language, self.now, self.t = language, now, TEXTS[language]
        self._catalog = catalogs.for_start(to_us(now))
        self._clients = {client.id: client.name for client in clients.clients}
        self._agents = agents.agents

    def moment(self, at: datetime | None) -> str:
        """Return an instant in Brasília, with the day unless it is today."""
        if at is None:
            return "—"
        local, today = at.astimezone(DESK_ZONE), self.now.astimezone(DESK_ZONE)
        if local.date() == today.date():
            return f"{self.t['today']} {local:%H:%M}"
        day = f"{local:%d/%m}" if self.language == "pt-BR" else f"{local.day} {_MONTHS[local.month - 1]}"
        separator = "/" if self.language == "pt-BR" else " "
        year = f"{separator}{local.year}" if local.year != today.year else ""
        return f"{day}{year} {local:%H:%M}"

    def service(self, id_: str) -> str:
        """Return a service's name in this language, its id where the catalog does not know it."""
        known = self._catalog.services.get(id_)
        if known is None:
            return id_
        return known.names.get(self.language) or next(iter(known.names.values()), id_)

    def priority(self, service: str, said: str | None) -> str:
        """Return the priority that counts, in words."""
        known = self._catalog.priority(self._catalog.service(service), said)
        return self.t.get(known, known)

    def client(self, id_: str | None) -> str:
        """Return a client's name."""
        return self.t["unknown"] if id_ is None else self._clients.get(id_, id_)

    def agent(self, id_: str | None) -> str:
        """Return an agent's name, a team's or a stranger's id as it is."""
        if id_ is None:
            return self.t["nobody"]
        return self._agents[id_].name if id_ in self._agents else id_

    def word(self, word: str | None) -> str:
        """Return a word of the contract in this language."""
        return "—" if word is None else self.t.get({"phone": "phone_channel"}.get(word, word), word)

    def services(self) -> Sequence[tuple[str, str]]:
        """Return the services to choose from, by name."""
        return sorted(((id_, self.service(id_)) for id_ in self._catalog.services), key=lambda one: one[1].casefold())

    def priorities(self) -> Sequence[tuple[str, str]]:
        """Return the priorities to choose from, the most urgent first."""
        triage = self._catalog.services[self._catalog.triage]
        ordered = sorted(self._catalog.priorities, key=lambda name: triage.targets[name, "response"].span.us)
        return [(name, self.t.get(name, name)) for name in ordered]

    def clients(self) -> Sequence[tuple[str, str]]:
        """Return the clients to choose from, by name."""
        return sorted(self._clients.items(), key=lambda one: one[1].casefold())

    def agents(self) -> Sequence[tuple[str, str]]:
        """Return the agents to choose from, by name."""
        names = [(id_, agent.name) for id_, agent in self._agents.items()]
        return sorted(names, key=lambda one: one[1].casefold())

    def clocks(self, words: Iterable[ClockWord], *, answered: bool, all_cycles: bool = False) -> Sequence[ClockView]:
        """Return a ticket's clocks, response first; of each the latest cycle only, unless all are asked for.

        ``answered``: a person has answered; until sla_timer has judged that, the open clock says so.
        """
        order = {"response": 0, "scheduling": 1, "action": 2}
        latest: dict[str, ClockWord] = {}
        found = sorted(words, key=lambda word: (-word.cycle, order[word.metric]))
        for word in found:
            latest.setdefault(word.metric, word)
        shown = found if all_cycles else sorted(latest.values(), key=lambda word: order[word.metric])
        return [self._noted(self._clock(word), word, answered) for word in shown]

    def _noted(self, view: ClockView, word: ClockWord, answered: bool) -> ClockView:
        if not answered or word.metric != "response" or word.cycle > 1 or view.tone == "done":
            return view
        return view._replace(note=" · ".join(filter(None, (view.note, self.t["answer_noted"]))))

    def _clock(self, word: ClockWord) -> ClockView:
        t, left = self.t, None if word.due_at is None else word.due_at - self.now
        name, cycle = t[word.metric], word.cycle
        if word.state == "breached" or (word.state == "running" and left is not None and left <= timedelta(0)):
            note = "" if left is None else f"{t['late']} {distance(-left)}"
            return ClockView(name, cycle, t["breached"], "late", f"{t['was_due']} {self.moment(word.due_at)}", note)
        if word.state == "paused":
            note = f"{t['budget']} {distance(timedelta(seconds=word.remaining_seconds))} {t['counted']}"
            return ClockView(name, cycle, t["paused"], "still", "", note)
        if word.state != "running":
            return ClockView(name, cycle, t[word.state], "done", "", "")
        if left is None:
            return ClockView(name, cycle, t["waiting_appointment"], "still", "", "")
        tone = "soon" if left <= _SOON else "calm"
        note = f"{t['left']} {distance(left)}"
        if word.counts_from is not None and word.counts_from > self.now:
            note = f"{t['begins']} {self.moment(word.counts_from)}"
        return ClockView(name, cycle, t["running"], tone, f"{t['due']} {self.moment(word.due_at)}", note)

    def entry(self, one: Happened, type_: str) -> Entry:
        """Return what happened in words; what a stranger's event says is shown as it is."""
        data, t = one.data, self.t
        name = type_.removeprefix("ticket.")
        by = getattr(data, "by", None) or getattr(data, "approved_by", None)
        what = t[f"was_{name}"]
        detail = [self._detail(name, data)]
        if getattr(data, "automatic", False):
            detail.append(t["automatic"])
        return Entry(
            self.moment(one.at), what, " · ".join(filter(None, detail)), self.agent(by) if isinstance(by, str) else ""
        )

    def _detail(self, name: str, data: Any) -> str:
        match name:
            case "opened":
                return f"{self.service(data.service)}, {self.word(data.channel)}"
            case "assigned":
                return self.agent(data.assignee)
            case "paused":
                return self.word(data.reason)
            case "resumed":
                return self.t["all_pauses"] if data.reason is None else self.word(data.reason)
            case "scheduled":
                ends = "" if data.ends_at is None else f" – {self.moment(data.ends_at)}"
                return f"{self.moment(data.starts_at)}{ends}"
            case "merged":
                return f"#{data.into}"
            case "exempted":
                return f"{self.t[data.metric]}: {data.reason_code}"
            case "reclassified":
                return self._change(data)
            case _:
                return ""

    def _change(self, data: Any) -> str:
        t = self.t
        said: Mapping[str, str | None] = {
            t["service"]: None if data.service is None else self.service(data.service),
            t["priority"]: None if data.priority is None else t.get(data.priority, data.priority),
            t["scope"]: None if data.scope is None else t[data.scope],
            t["emergency"]: None if data.emergency is None else t["yes" if data.emergency else "no"],
            t["client"]: None if data.client_id is None else self.client(data.client_id),
            t["coverage"]: None if data.coverage is None else self.coverage(data.coverage),
            t["why"]: data.why,
        }
        return "; ".join(f"{name}: {value}" for name, value in said.items() if value)

    def coverage(self, word: str) -> str:
        """Return what the contract says, in words."""
        return self.t["coverage_unknown" if word == "unknown" else word]


def distance(span: timedelta) -> str:
    """Return a span as people say it: ``2 d 3 h``, ``3 h 05 min``, ``12 min``, ``40 s``."""
    minutes, seconds = divmod(max(int(span.total_seconds()), 0), 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days} d {hours} h"
    if hours:
        return f"{hours} h {minutes:02d} min"
    return f"{minutes} min" if minutes else f"{seconds} s"
