"""``intake token``: make a bearer token for a publishing system, shown once, with its entry for tokens.yaml."""

import argparse
import secrets
import sys

import orjson
import yaml
from pydantic import ValidationError

from services.intake.domain.tokens import PUBLISHABLE, Token, digest_of
from shared.commands import FINE, USAGE

_PREFIX = "prazo_"  # by which scanners for leaked secrets know it
_RANDOM_BYTES = 32


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Prints a new random token, which is kept nowhere, and the entry for tokens.yaml, which has its SHA-256 only."
        " Add the entry under 'tokens:' and send SIGHUP to every intake."
    )
    parser.add_argument("name", help="of the system, as in logs")
    parser.add_argument("--source", required=True, metavar="PREFIX", help="what the source of its events begins with")
    known = ", ".join(PUBLISHABLE)
    parser.add_argument(
        "--type", action="append", dest="types", required=True, metavar="TYPE", help=f"it may send, repeated: {known}"
    )
    parser.add_argument("--per-second", type=float, help="requests that it may send for ever (default 50)")
    parser.add_argument("--burst", type=int, help="requests that it may send at once (default 200)")
    parser.add_argument("--json", action="store_true", help="one JSON object: token, entry")


def run(arguments: argparse.Namespace) -> int:
    """Print the token and the entry; return 0, or 2 for an entry that ``tokens.yaml`` could not have."""
    secret = _PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    rate = {"per_second": arguments.per_second, "burst": arguments.burst}
    entry = {
        "name": arguments.name,
        "sha256": digest_of(secret),
        "source_prefix": arguments.source,
        "types": arguments.types,
        "rate": {name: value for name, value in rate.items() if value is not None},
    }
    if not entry["rate"]:
        del entry["rate"]
    try:
        Token.model_validate(entry)
    except ValidationError as error:
        for found in error.errors(include_input=False, include_url=False):
            print(f"token: {'.'.join(map(str, found['loc']))}: {found['msg']}", file=sys.stderr)
        return USAGE
    if arguments.json:
        print(orjson.dumps({"token": secret, "entry": entry}).decode())
        return FINE
    written = yaml.safe_dump([entry], sort_keys=False, allow_unicode=True, default_flow_style=False)
    print(f"# The token. It is shown only now: give it to the system, over a road that nobody else reads.\n{secret}\n")
    print(f"# Its entry, under tokens: in tokens.yaml; then SIGHUP.\n{written}", end="")
    return FINE
