"""``intake password``: the argon2id hash of a password, for ``password`` in agents.yaml."""

import argparse
import getpass
import sys

import orjson
from argon2 import PasswordHasher

from services.intake.pages.access import PASSWORD_LENGTH
from shared.commands import FINE, USAGE

LEAST = 12


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describe the arguments."""
    parser.description = (
        "Asks for a password twice on a terminal, or reads its first line from standard input, and prints its argon2id"
        " hash for agents.yaml. The password itself is neither printed nor kept."
    )
    parser.add_argument("--json", action="store_true", help="one JSON object")


def run(arguments: argparse.Namespace) -> int:
    """Print the hash; return 0, or 2 for a password that cannot be used."""
    if sys.stdin.isatty():
        password = getpass.getpass("Password: ")
        if getpass.getpass("Again: ") != password:
            print("password: the two are not the same", file=sys.stderr)
            return USAGE
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if not LEAST <= len(password) <= PASSWORD_LENGTH:
        print(f"password: must have {LEAST} to {PASSWORD_LENGTH} characters", file=sys.stderr)
        return USAGE
    hashed = PasswordHasher().hash(password)
    print(orjson.dumps({"password": hashed}).decode() if arguments.json else hashed)
    return FINE
