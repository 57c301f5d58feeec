"""What the commands share that ask the running system: its catalog, and their exit codes."""

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from services.sla_timer.settings import Settings
from shared.catalog import Catalogs, load_directory
from shared.commands import ENVIRONMENT, USAGE, Wrong
from shared.errors import Permanent, Transient


def catalogs_of(found: Settings) -> Catalogs:
    """Return the catalog versions that the service judges by; raises ``CatalogError``."""
    return load_directory(found.config_dir / "catalog")


def carry_out(name: str, work: Callable[[], int | Coroutine[Any, Any, int]]) -> int:
    """Return what ``work`` does, or 2 for input that cannot be used, or 3 where a server cannot be used, both explained."""
    try:
        done = work()
        return done if isinstance(done, int) else asyncio.run(done)
    except Transient as error:
        print(f"{name}: {error}", file=sys.stderr)
        return ENVIRONMENT
    except (Wrong, Permanent, OSError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return USAGE
