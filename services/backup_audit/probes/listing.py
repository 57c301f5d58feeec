"""The child that touches a mounted directory: ``python -m services.backup_audit.probes.listing DIR PATTERN`` prints JSON.

Lists regular files of the pattern only, the newest if there are very many, follows no link, reads nothing but ``receipt.json`` (bounded), and imports nothing heavy.
"""

import heapq
import json
import os
import stat
import sys
from collections.abc import Iterator
from typing import Any

from services.backup_audit.domain.names import of_routine

_MOST_FILES = 10_000
_RECEIPT_BYTES = 65_536
_WHY = {FileNotFoundError: "missing", PermissionError: "permission", NotADirectoryError: "not_a_directory"}


def look(directory: str, pattern: str, most: int = _MOST_FILES) -> dict[str, Any]:
    """Return what is there: ``files`` as (name, bytes, mtime), ``receipt``, ``free_bytes``; or ``unreachable``.

    Of more than ``most`` files of ``pattern`` the newest are told.
    """
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        files = heapq.nlargest(most, _files(descriptor, pattern), key=lambda file: file[2])
        space = os.fstatvfs(descriptor)
        return {
            "files": files,
            "receipt": _receipt(descriptor),
            "free_bytes": space.f_bavail * space.f_frsize,
        }
    except OSError as error:
        return {"unreachable": _WHY.get(type(error), "io")}


def _files(descriptor: int, pattern: str) -> Iterator[tuple[str, int, float]]:
    with os.scandir(descriptor) as entries:
        for entry in entries:
            if not of_routine(entry.name, pattern):
                continue
            try:
                entry.name.encode("utf-8")
                status = entry.stat(follow_symlinks=False)
            except (UnicodeEncodeError, OSError):
                continue
            if stat.S_ISREG(status.st_mode):
                yield entry.name, status.st_size, status.st_mtime


def _receipt(directory: int) -> dict[str, Any] | None:
    try:
        descriptor = os.open("receipt.json", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=directory)
    except OSError:
        return None
    with open(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            return None
        try:
            raw = json.loads(file.read(_RECEIPT_BYTES))
        except ValueError:
            return None
    if not isinstance(raw, dict):
        return None
    codes = raw.get("exit_codes")
    codes = codes if isinstance(codes, dict) else {}
    failed = any(code != 0 for code in codes.values()) or not isinstance(raw.get("sha256"), str)
    size = raw.get("size_bytes")
    return {"failed": failed, "written": status.st_mtime, "size_bytes": size if isinstance(size, int) else None}


if __name__ == "__main__":
    json.dump(look(sys.argv[1], sys.argv[2]), sys.stdout)
