"""Configuration files: YAML in, a checked model out, every error of a file at once."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ValidationError,
    WithJsonSchema,
)

from shared.errors import Permanent

_DURATION = re.compile(r"^(?:(\d{1,5})d)?(?:(\d{1,5})h)?(?:(\d{1,5})m)?(?:(\d{1,5})s)?$")


def _duration(value: object) -> object:
    if not isinstance(value, str):
        return value
    found = _DURATION.match(value)
    if not value or found is None:
        raise ValueError("a duration is [Nd][Nh][Nm][Ns]")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError("no such time zone") from None
    return name


Duration = Annotated[
    timedelta,
    BeforeValidator(_duration),
    WithJsonSchema({"type": "string", "pattern": f"^(?=.){_DURATION.pattern[1:]}"}),
]
Zone = Annotated[str, AfterValidator(_zone)]


class Part(BaseModel):
    """Base of what a configuration file is made of: frozen, an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


M = TypeVar("M", bound=BaseModel)


class Misconfigured(Permanent):
    """A configuration file cannot be used; the message names it and lists every error with its place."""


class Loader(yaml.SafeLoader):
    """YAML's core schema (1.2): ``on``, ``no`` and ``yes`` are words, and a date is a text until its model reads it."""


_BOOL, _TIMESTAMP = "tag:yaml.org,2002:bool", "tag:yaml.org,2002:timestamp"
Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag not in (_BOOL, _TIMESTAMP)]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
Loader.add_implicit_resolver(_BOOL, re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF"))


def parse_yaml(text: str) -> Any:
    """Return the plain data of a YAML text; nothing but data is ever built (the loader is a safe one)."""
    return yaml.load(text, Loader=Loader)  # noqa: S506  # a SafeLoader with fewer words


def read_config(path: Path, model: type[M]) -> M:
    """Return the model of a file, or raise ``Misconfigured`` with every error."""
    try:
        return model.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)
        lines = [f"  {'.'.join(map(str, e['loc'])) or 'file'}: {e['msg']}" for e in found]
        raise Misconfigured("\n".join([f"{path}:", *lines])) from None
    except OSError as error:
        raise Misconfigured(f"{path}: {error.strerror}") from None
    except yaml.MarkedYAMLError as error:  # whose text shows lines of the file, and with them what may be a secret
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Misconfigured(f"{path}: line {line}: {error.problem or 'not YAML'}") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Misconfigured(f"{path}: not YAML in UTF-8 ({type(error).__name__})") from None


def read_key(path: Path) -> bytes:
    """Return a key that every replica has: a file of at least 32 bytes in hex; raises ``Misconfigured`` that names it."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError) as error:
        raise Misconfigured(f"{path}: a file with at least 64 hex digits is needed ({type(error).__name__})") from None
    if len(key) < 32:
        raise Misconfigured(f"{path}: at least 64 hex digits are needed")
    return key
