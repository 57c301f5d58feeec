"""One run of schemathesis against a server of intake's HTTP interface."""

import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_ROOT = Path(__file__).parents[2]
_WHAT = ("--checks", "all", "--phases", "examples,coverage,fuzzing", "--continue-on-failure")
_HOW = ("--generation-with-security-parameters", "false", "--generation-database", "none", "--no-color")


class Run(NamedTuple):
    """What is fuzzed, in which folder, and how much; ``types`` "" means every one."""

    url: str
    folder: Path
    max_examples: int
    seed: int | None = None
    types: str = ""
    seconds: int = 200


def fuzz(run: Run) -> tuple[int, str]:
    """Run schemathesis and return its exit code and report."""
    seed = [] if run.seed is None else ["--seed", str(run.seed)]
    size = ["--max-examples", str(run.max_examples), *seed]
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{run.url}/v1/openapi.json", *_WHAT, *_HOW, *size]
    environment = {
        **os.environ,
        "PYTHONPATH": str(_ROOT),
        "SCHEMATHESIS_HOOKS": "tests.fuzz_http.hooks",
        "PRAZO_FUZZ_TYPES": run.types,
    }
    done = subprocess.run(
        command, cwd=run.folder, env=environment, capture_output=True, text=True, timeout=run.seconds, check=False
    )
    return done.returncode, done.stdout + done.stderr
