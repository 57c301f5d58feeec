"""The child that touches a mounted directory: ``python -m services.backup_audit.probes.listing DIR`` prints JSON.

Lists regular files only, follows no link, reads nothing but ``receipt.json`` (bounded), and imports nothing heavy.
"""

import heapq
import json
import os
import stat
import sys
from typing import Any

_MOST_FILES = 10_000
_RECEIPT_BYTES = 65_536
_WHY = {FileNotFoundError: "missing", PermissionError: "permission", NotADirectoryError: "not_a_directory"}


def look(directory: str) -> dict[str, Any]:
    """Return what is there: ``files`` as [name, bytes, mtime], ``receipt``, ``free_bytes``; or ``unreachable``."""
    try:
        descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
        files = _files(descriptor)
        space = os.fstatvfs(descriptor)
        return {
            "files": files,
            "receipt": _receipt(descriptor),
            "free_bytes": space.f_bavail * space.f_frsize,
        }
    except OSError as error:
        return {"unreachable": _WHY.get(type(error), "io")}


def _files(descriptor: int) -> Any:
    """Return the newest files: a big directory must not hide the backup that has just landed."""
    with os.scandir(descriptor) as entries:
        return heapq.nlargest(_MOST_FILES, _regular(entries), key=lambda file: file[2])


def _regular(entries: Any) -> Any:
    for entry in entries:
        try:
            entry.name.encode("utf-8")
            status = entry.stat(follow_symlinks=False)
        except (UnicodeEncodeError, OSError):
            continue
        if stat.S_ISREG(status.st_mode):
            yield [entry.name, status.st_size, status.st_mtime]


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
    json.dump(look(sys.argv[1]), sys.stdout)
