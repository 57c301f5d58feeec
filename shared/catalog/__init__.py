"""The catalog of services, its calendars and units, and the arithmetic of open time."""

from shared.catalog.calendar import Calendar, OutOfRange
from shared.catalog.catalog import Catalog, Catalogs, Service, Span, Target, Warning  # noqa: A004  # the field's own word
from shared.catalog.faults import CatalogError, Fault
from shared.catalog.load import load, load_directory, load_files

__all__ = [
    "Calendar",
    "Catalog",
    "CatalogError",
    "Catalogs",
    "Fault",
    "OutOfRange",
    "Service",
    "Span",
    "Target",
    "Warning",
    "load",
    "load_directory",
    "load_files",
]
