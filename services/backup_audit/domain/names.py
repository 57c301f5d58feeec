"""Which files are a routine's. The probing child asks too, so nothing heavy is imported here."""

from fnmatch import fnmatchcase


def of_routine(name: str, pattern: str) -> bool:
    """Return whether ``name`` is a backup of the routine with ``pattern``, finished or still ``.partial``."""
    return name != "receipt.json" and fnmatchcase(name.removesuffix(".partial"), pattern)
