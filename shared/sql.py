"""Named SQL: every query lives in a ``.sql`` file under ``-- name:``, never in Python."""

from pathlib import Path
from typing import Any

import aiosql


def load_queries(path: Path) -> Any:
    """Return the named queries of a file, or of every file of a folder, as coroutines (``$`` a value, ``^`` a row, ``!`` a command; none: rows)."""
    return aiosql.from_path(path, "asyncpg", mandatory_parameters=False)
