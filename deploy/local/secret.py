"""Secrets of the local stack: made once, kept in files of mode 0600, never printed but where a person needs one."""

import json
import os
import secrets
from pathlib import Path

from shared.postgres import REPORT_ROLE, SCHEMAS

ROLES = (*(f"{schema}_{kind}" for schema in SCHEMAS for kind in ("owner", "app")), REPORT_ROLE)


def keep(path: Path, text: str) -> None:
    """Write ``text`` to a file that only we may read."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="ascii") as file:
        file.write(text)


def made_once(path: Path) -> str:
    """Return the secret in ``path``, 64 hex digits made at the first call."""
    if not path.exists():
        keep(path, secrets.token_hex(32))
    return path.read_text(encoding="ascii").strip()


def typed(path: Path) -> str:
    """Return the password in ``path`` that a person types, 16 characters made at the first call."""
    if not path.exists():
        keep(path, secrets.token_urlsafe(12))
    return path.read_text(encoding="ascii").strip()


def passwords(folder: Path) -> dict[str, str]:
    """Return the password of each database role, made at the first call, and write the pgpass file for all of them."""
    path = folder / "roles.json"
    if not path.exists():
        keep(path, json.dumps({role: secrets.token_urlsafe(24) for role in ROLES}))
    known: dict[str, str] = json.loads(path.read_text(encoding="ascii"))
    keep(folder / "pgpass", "".join(f"127.0.0.1:*:*:{role}:{password}\n" for role, password in known.items()))
    return known
