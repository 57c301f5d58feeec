"""What is wrong with catalog files, and where: each fault with file, line, path and the rule broken."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from shared.config import Loader, parse_yaml
from shared.errors import Permanent

Where = tuple[Any, ...]
Problem = tuple[Where, str]
"""The way to a place in a file, and the rule that it breaks."""


class Fault(NamedTuple):
    """One thing that is wrong; ``line`` counts from 1."""

    file: str
    line: int
    path: str
    rule: str

    def __str__(self) -> str:
        """Return it on one line: file:line: path: rule."""
        words = [f"{self.file}:{self.line}", self.path, self.rule]
        return "".join(c if c.isprintable() else "\ufffd" for c in ": ".join(word for word in words if word))


class CatalogError(Permanent):
    """The catalog cannot be used; the message lists every fault, one a line."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)


class Source:
    """A file of YAML: its plain data, and the place of everything in it. Raises ``CatalogError`` when it is none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            text = path.read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise self._unreadable(error.object[: error.start].count(b"\n"), "the file is not UTF-8") from None
        except OSError as error:
            raise self._unreadable(0, error.strerror or type(error).__name__) from None
        try:
            self._node = yaml.compose(text, Loader=Loader)
            repeated = list(_repeated_keys(self._node))
            self.data: Any = parse_yaml(text)
        except yaml.YAMLError as error:
            mark, at = getattr(error, "problem_mark", None), getattr(error, "position", None)
            line = mark.line if mark is not None else text.count("\n", 0, at)
            why = getattr(error, "problem", None) or getattr(error, "reason", None) or type(error).__name__
            raise self._unreadable(line, f"YAML: {why}") from None
        except (ValueError, RecursionError) as error:
            why = "nested too deep" if isinstance(error, RecursionError) else str(error)
            raise self._unreadable(0, f"YAML: {why}") from None
        self.repeated: Sequence[Problem] = [(where, "the key is there twice") for where in repeated]

    def _unreadable(self, line: int, rule: str) -> CatalogError:
        return CatalogError([Fault(str(self.path), line + 1, "", rule)])

    def faults(self, problems: Sequence[Problem]) -> list[Fault]:
        """Return the problems with their lines; what several aliases of one anchor share is said once."""
        found: dict[tuple[int, int, str], Fault] = {}
        for where, rule in problems:
            line, column = self._place(where)
            path = ".".join(str(step) for step in where if step != "[key]")
            found.setdefault((line, column, rule), Fault(str(self.path), line + 1, path, rule))
        return list(found.values())

    def _place(self, where: Where) -> tuple[int, int]:
        """Return line and column of the deepest node on the way that exists in the file."""
        node = self._node
        mark = None if node is None else node.start_mark
        for step in where:
            if isinstance(node, yaml.MappingNode):
                found = next(((k, v) for k, v in node.value if k.value == str(step)), None)
                if found is None:
                    break
                mark, node = found[0].start_mark, found[1]
            elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
                node = node.value[step]
                mark = node.start_mark
        return (0, 0) if mark is None else (int(mark.line), int(mark.column))


def _repeated_keys(root: Any) -> Iterator[Where]:
    """Yield the way to each key that is there twice; each node is looked at once, however many aliases it has."""
    seen: set[int] = set()
    waiting: list[tuple[Any, Where]] = [(root, ())]
    while waiting:
        node, where = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, yaml.MappingNode):
            names: set[str] = set()
            for key, value in node.value:
                if isinstance(key, yaml.ScalarNode) and key.value in names:
                    yield (*where, key.value)
                names.add(str(key.value))
                waiting.append((value, (*where, key.value)))
        elif isinstance(node, yaml.SequenceNode):
            waiting += [(value, (*where, n)) for n, value in enumerate(node.value)]
