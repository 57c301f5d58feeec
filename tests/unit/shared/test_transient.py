"""What is the database's fault is waited out; only what cannot be stored is put aside."""

import asyncpg
import pytest

from shared.postgres import is_transient

ERRORS: list[tuple[type[BaseException], bool]] = [
    (asyncpg.ReadOnlySQLTransactionError, True),  # a failover to a standby
    (asyncpg.InvalidPasswordError, True),  # a rotated password
    (asyncpg.InsufficientPrivilegeError, True),
    (asyncpg.UndefinedTableError, True),  # not migrated yet
    (asyncpg.InvalidCatalogNameError, True),
    (asyncpg.DeadlockDetectedError, True),
    (asyncpg.DiskFullError, True),
    (asyncpg.ConnectionDoesNotExistError, True),
    (asyncpg.QueryCanceledError, True),
    (asyncpg.InterfaceError, True),
    (asyncpg.InternalClientError, True),  # the server was killed while it answered
    (asyncpg.ProtocolError, True),
    (ConnectionRefusedError, True),
    (TimeoutError, True),
    (asyncpg.CharacterNotInRepertoireError, False),  # data
    (asyncpg.UniqueViolationError, False),
    (asyncpg.CheckViolationError, False),
    (asyncpg.ProgramLimitExceededError, False),  # an index row too large
    (UnicodeEncodeError, False),
    (KeyError, False),
]


@pytest.mark.parametrize(("error", "passes"), ERRORS, ids=[error.__name__ for error, _ in ERRORS])
def test_an_error_is_of_the_database_or_of_the_data(error: type[BaseException], passes: bool) -> None:
    made = UnicodeEncodeError("utf-8", "x", 0, 1, "r") if error is UnicodeEncodeError else error("said")
    assert is_transient(made) is passes
