"""Catalog files → ``Catalogs``. Every fault of every file is reported at once, with line, path and the rule broken."""

from collections.abc import Sequence
from pathlib import Path

from shared.catalog.build import build
from shared.catalog.catalog import Catalog, Catalogs
from shared.catalog.check import validate
from shared.catalog.faults import CatalogError, Fault, Problem, Source


def load_directory(folder: Path) -> Catalogs:
    """Return every ``*.yaml`` of ``folder`` as one set of versions, or raise ``CatalogError`` with all faults of all files."""
    paths = sorted(folder.glob("*.yaml"))
    if not paths:
        raise CatalogError([Fault(str(folder), 1, "", "no catalog file (*.yaml) in this folder")])
    return load_files(paths)


def load_files(paths: Sequence[Path]) -> Catalogs:
    """Return the files as one set of versions, or raise ``CatalogError`` with all faults of all files."""
    loaded: list[Catalog] = []
    faults: list[Fault] = []
    for path in paths:
        try:
            catalog, source = _load(path)
        except CatalogError as error:
            faults += error.faults
            continue
        faults += source.faults(_beside(catalog, loaded))
        loaded.append(catalog)
    if faults:
        raise CatalogError(faults)
    return Catalogs(loaded)


def load(path: Path) -> Catalog:
    """Return the catalog of one file, or raise ``CatalogError`` with all its faults."""
    return _load(path)[0]


def _load(path: Path) -> tuple[Catalog, Source]:
    source = Source(path)
    file, problems = validate(source.data)
    problems = [*source.repeated, *problems]
    if file is None or problems:
        raise CatalogError(source.faults(problems))
    return build(file), source


def _beside(catalog: Catalog, others: Sequence[Catalog]) -> list[Problem]:
    """Return what stands against using ``catalog`` together with the others."""
    found: list[Problem] = []
    if any(catalog.version == other.version for other in others):
        found.append((("version",), f"{catalog.version} is there twice; a changed catalog is a new version"))
    for other in others:
        if catalog.effective_from_us == other.effective_from_us and catalog.version != other.version:
            rule = f"{other.version} takes effect at the same instant: which of the two holds would be chance"
            found.append((("effective_from",), rule))
    return found
