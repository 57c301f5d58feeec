"""House rules that a program can see."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

TRACKED = [
    Path(name)
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    if Path(name).exists()
]
CODE = [p for p in TRACKED if p.suffix == ".py"]
PRODUCT = [p for p in CODE if p.parts[0] != "tests"]


def test_no_module_is_longer_than_300_lines() -> None:
    assert [str(p) for p in CODE if len(p.read_text(encoding="utf-8").splitlines()) > 300] == []


def test_no_module_is_named_after_nothing() -> None:
    banned = {"utils.py", "helpers.py", "common.py", "base.py"}
    assert [str(p) for p in CODE if p.name in banned] == []


def test_every_public_function_and_class_says_what_it_guarantees() -> None:
    silent = [
        f"{path}:{node.lineno} {node.name}"
        for path in PRODUCT
        for node in _definitions(ast.parse(path.read_text(encoding="utf-8")))
        if not node.name.startswith("_") and not ast.get_docstring(node)
    ]
    assert silent == []


def _definitions(scope: ast.Module | ast.ClassDef) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Return the functions and classes of a module and of its classes; what is inside a function is its own affair."""
    for node in scope.body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        if isinstance(node, ast.ClassDef):
            yield from _definitions(node)


def test_faststream_stays_behind_the_plumbing() -> None:
    importing = [
        str(p) for p in PRODUCT if re.search(r"^(from|import) faststream", p.read_text(encoding="utf-8"), re.M)
    ]
    assert sorted(importing) == ["shared/kafka/consumer.py"]


def test_no_registry_host_and_no_path_of_a_machine_is_committed() -> None:
    host = re.compile(r"https?://\S*(/simple\b|/maven2\b|registry\.|/packages/[0-9a-f]{2}/)|pypi\.org|maven\.org")
    place = re.compile(r"(?<![\w.])/(work|farm|root)/")
    wrong = []
    for path in TRACKED:
        text = path.read_text(encoding="utf-8", errors="replace")
        if path.name != "test_architecture.py" and (host.search(text) or place.search(text)):
            wrong.append(str(path))
    assert wrong == []


def test_nothing_is_left_for_later_in_the_code() -> None:
    words = re.compile(r"\b(TODO|FIXME|XXX|NotImplementedError)\b")
    left = [str(p) for p in CODE if p.name != "test_architecture.py" and words.search(p.read_text(encoding="utf-8"))]
    assert left == []
