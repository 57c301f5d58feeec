"""What must hold between the parts of ``oncall.yaml``: every name exists, every method can work, every breach is told."""

import re
from collections.abc import Iterator, Mapping, Sequence

import phonenumbers

from services.notifier.domain.oncall_file import OnCallFile
from services.notifier.domain.people import Method, Person
from services.notifier.domain.policies import LONGEST_MAINTENANCE, OF_THE_TICKET, RESERVED, Policy
from services.notifier.domain.rotations import Layers, Turns
from shared.catalog.public_holidays import holiday_problems

_ADDRESS = re.compile(r"[^\s@<>,;:\"]+@[^\s@<>,;:\"]+")
_CALLED = frozenset({"sms", "voice"})


def problems(file: OnCallFile) -> Iterator[str]:
    """Yield every error between the parts, each with its path and its rule."""
    yield from _names(file)
    yield from _holidays(file)
    for id_, person in file.people.items():
        yield from _person(file, f"people.{id_}", person)
    yield from _rotations(file)
    for i, override in enumerate(file.overrides):
        yield from _missing(f"overrides.{i}.rotation", override.rotation, file.rotations, "rotation")
        yield from _missing(f"overrides.{i}.person", override.person, file.people, "person")
        if override.from_ >= override.to:
            yield f"overrides.{i}.to: must be after from"
    for name, targets in file.teams.items():
        yield from _targets(f"teams.{name}", targets, file.people.keys() | file.rotations.keys(), "person or rotation")
    for name, policy in file.policies.items():
        yield from _policy(file, f"policies.{name}", policy)
    yield from _choices(file)
    yield from _targets("manager", file.manager, _tellable(file), "person, rotation or team")
    yield from _maintenance(file)


def _tellable(file: OnCallFile) -> set[str]:
    return file.people.keys() | file.rotations.keys() | file.teams.keys()


def _missing(path: str, name: str, known: Mapping[str, object], kind: str) -> Iterator[str]:
    if name not in known:
        yield f"{path}: no such {kind}"


def _targets(path: str, targets: Sequence[str], known: set[str], kinds: str) -> Iterator[str]:
    for i, target in enumerate(targets):
        if target not in known:
            yield f"{path}.{i}: no such {kinds}"
        elif target in targets[:i]:
            yield f"{path}.{i}: is there twice"


def _names(file: OnCallFile) -> Iterator[str]:
    """A target is one word: nothing may have the name of something else."""
    seen: dict[str, str] = dict.fromkeys(RESERVED, "a word of ours")
    for kind, names in (("people", file.people), ("rotations", file.rotations), ("teams", file.teams)):
        for name in names:
            if name in seen:
                yield f"{kind}.{name}: the name is taken ({seen[name]})"
            seen.setdefault(name, f"{kind}.{name}")
    owners: dict[str, str] = {}
    for id_, person in file.people.items():
        for agent in person.agents:
            owner = owners.setdefault(agent, id_)
            if owner != id_ or (agent in seen and agent != id_):
                yield f"people.{id_}.agents: {agent} is somebody else ({seen.get(agent, f'people.{owner}')})"


def _holidays(file: OnCallFile) -> Iterator[str]:
    for name, part in file.holidays.items():
        for where, said in holiday_problems(("holidays", name), part):
            yield f"{'.'.join(map(str, where))}: {said}"


def _person(file: OnCallFile, path: str, person: Person) -> Iterator[str]:
    if person.holidays is not None:
        yield from _missing(f"{path}.holidays", person.holidays, file.holidays, "holidays")
    for i, method in enumerate(person.methods):
        channel = file.channels.get(method.by)
        if channel is None:
            yield f"{path}.methods.{i}.by: no such channel"
            continue
        said = _address(channel.kind, method)
        if said is not None:
            yield f"{path}.methods.{i}.to: {said}"


def _address(kind: str, method: Method) -> str | None:
    """Return what is wrong with where a method leads; never the address itself."""
    if kind == "email":
        return None if _ADDRESS.fullmatch(method.to) else "must be an e-mail address"
    if kind in _CALLED:
        return None if _is_number(method.to) else "must be a number in E.164, such as +5562999990000"
    return f"must be absent: a channel of kind {kind} is itself the place" if method.to else None


def _is_number(text: str) -> bool:
    if re.fullmatch(r"\+[1-9][0-9]{6,14}", text) is None:
        return False
    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text))
    except phonenumbers.NumberParseException:
        return False


def _rotations(file: OnCallFile) -> Iterator[str]:
    for name, rotation in file.rotations.items():
        path = f"rotations.{name}"
        match rotation:
            case Turns():
                for i, member in enumerate(rotation.members):
                    yield from _missing(f"{path}.members.{i}", member, file.people, "person")
                if rotation.holidays is not None:
                    yield from _missing(f"{path}.holidays", rotation.holidays, file.holidays, "holidays")
                    if not rotation.windows:
                        yield f"{path}.holidays: only windows make a difference between days"
            case Layers():
                yield from _targets(f"{path}.layers", rotation.layers, set(file.rotations), "rotation")
    yield from _cycles(file)


def _cycles(file: OnCallFile) -> Iterator[str]:
    below = {name: r.layers if isinstance(r, Layers) else () for name, r in file.rotations.items()}
    for name in below:
        seen, waiting = set[str](), list(below[name])
        while waiting:
            one = waiting.pop()
            if one not in seen:
                seen.add(one)
                waiting += below.get(one, ())
        if name in seen:
            yield f"rotations.{name}.layers: a rotation cannot be under itself"


def _policy(file: OnCallFile, path: str, policy: Policy) -> Iterator[str]:
    ways = file.channels.keys() | {channel.kind for channel in file.channels.values()}
    for i, step in enumerate(policy.steps):
        yield from _targets(
            f"{path}.steps.{i}.to", step.targets, _tellable(file) | RESERVED, "person, rotation, team or word of ours"
        )
        for way in step.by:
            if way not in ways:
                yield f"{path}.steps.{i}.by: no channel of the name or kind {way}"
    told = [step for step in policy.steps if step.on == "breached"]
    if not told:
        yield f"{path}.steps: nobody is told of a breach"
    elif all(set(step.targets) <= OF_THE_TICKET for step in told):
        yield f"{path}.steps: of a breach only those are told whom the ticket names, and it may name nobody"
    if policy.repeats and not policy.repeat_every:
        yield f"{path}.repeat_every: must be more than zero"


def _choices(file: OnCallFile) -> Iterator[str]:
    last = len(file.choose) - 1
    for i, choice in enumerate(file.choose):
        yield from _missing(f"choose.{i}.policy", choice.policy, file.policies, "policy")
        if choice.is_catch_all and i != last:
            yield f"choose.{i}: without a condition, what follows is never asked"
        if not choice.is_catch_all and i == last:
            yield f"choose.{i}: the last one must have no condition: every alert has a policy"


def _maintenance(file: OnCallFile) -> Iterator[str]:
    for i, window in enumerate(file.maintenance):
        yield from _missing(f"maintenance.{i}.owner", window.owner, file.people, "person")
        if not window.from_ < window.to <= window.from_ + LONGEST_MAINTENANCE:
            yield f"maintenance.{i}.to: must be after from, and at most {LONGEST_MAINTENANCE.days} days after it"
