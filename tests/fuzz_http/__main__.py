"""``python -m tests.fuzz_http [EXAMPLES]``: the long form, every type of event, another seed each time."""

import asyncio
import sys
import tempfile
from pathlib import Path

from shared.postgres import create_pool
from tests.conftest import dsn_for, prepare
from tests.fuzz_http.run import Run, fuzz
from tests.intake_http import serving
from tests.ladder import server

_DAY_SECONDS = 24 * 3600


async def main(max_examples: int) -> int:
    """Serve on a database of its own and fuzz; return the exit code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        async with server("postgres", folder / "postgres") as dsn:
            await prepare(dsn)
            pool = create_pool(dsn_for(dsn, "intake_app", "prazo"), "intake")
            await pool
            async with serving(pool) as url:
                code, report = await asyncio.to_thread(fuzz, Run(url, folder, max_examples, seconds=_DAY_SECONDS))
            await pool.close()
    print(report)
    return code


if __name__ == "__main__":
    sys.exit(asyncio.run(main(int(sys.argv[1]) if sys.argv[1:] else 500)))
