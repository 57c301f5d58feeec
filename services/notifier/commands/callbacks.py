"""``notifier callbacks``: the secret URL of each SMS channel at which its provider tells what became of a message."""

import argparse
import sys

import orjson

from services.notifier.configuration import read_oncall
from services.notifier.domain.channel_config import SmsConfig
from services.notifier.pages.callbacks import callback_path
from services.notifier.pages.proof import read_keys
from services.notifier.settings import Settings
from shared import clock
from shared.commands import FINE, USAGE, Wrong, settings_of
from shared.config import Misconfigured


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Give each URL to the provider and to nobody else: whoever knows it can report messages as failed."
    )
    parser.add_argument("--json", action="store_true", help="one JSON object per channel")


def run(arguments: argparse.Namespace) -> int:
    """Print the URLs; return 0, or 2 for wrong settings."""
    try:
        found = settings_of(Settings)
        key = read_keys(found.secrets_dir)[0]
        channels = read_oncall(found.config_dir, clock.now()).channels
    except (Wrong, Misconfigured) as error:
        print(f"callbacks: {error}", file=sys.stderr)
        return USAGE
    for name, config in channels.items():
        if isinstance(config, SmsConfig):
            url = found.public_url.rstrip("/") + callback_path(key, name)
            print(orjson.dumps({"channel": name, "url": url}).decode() if arguments.json else f"{name}  {url}")
    return FINE
