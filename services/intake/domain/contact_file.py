"""The file of ``intake contacts import``: who is registered for the vendor's announcements (policy rule 13). Pure.

CSV (RFC 4180) in UTF-8 or Windows-1252, parted by ``;`` or ``,``, one contact a line. Columns, in any order and case:
``address`` (endereco, email) and ``number`` (numero, telefone), at least one of them filled in; ``client_id`` (cliente), an id of
``clients.yaml``; ``registered_at`` (cadastrado_em): a date (2026-03-05 or 05/03/2026, at the desk) or RFC 3339 with offset.
"""

import csv
import io
import unicodedata
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from services.intake.domain.desk_time import DESK_ZONE
from services.intake.domain.numbers import e164

FILE_BYTES = 50 * 1024 * 1024
LINES = 200_000
_FIELD_LENGTH = 1000
_COLUMNS: Mapping[str, str] = {
    "address": "address", "endereco": "address", "email": "address", "e-mail": "address",
    "number": "number", "numero": "number", "telefone": "number", "phone": "number",
    "client_id": "client_id", "cliente": "client_id", "client": "client_id",
    "registered_at": "registered_at", "cadastrado_em": "registered_at",
}  # fmt: skip
_ADDRESS_LENGTH = 320


class Registration(NamedTuple):
    """An address (``@``) or a number in E.164 that is registered for a client; ``registered_at``: if the file says so."""

    contact: str
    client_id: str
    registered_at: datetime | None


class Fault(NamedTuple):
    """What is wrong with a line: the column ("" for all of it) and the rule. No value is repeated, for it may be personal."""

    line: int
    field: str
    rule: str

    def __str__(self) -> str:
        return f"{self.line}: {self.field}: {self.rule}" if self.field else f"{self.line}: {self.rule}"


class _Bad(Exception):
    """A value breaks a rule."""


def read_contacts(
    raw: bytes, clients: Collection[str], now: datetime, ddd: str = ""
) -> tuple[Sequence[Registration], Sequence[Fault]]:
    """Return what a file registers, each contact once, and everything that is wrong with it.

    ``clients``: the known ids; ``ddd``: the area code of numbers that have none.
    """
    found: dict[str, tuple[int, Registration]] = {}
    faults: list[Fault] = []
    for line, fields in _lines(raw, faults):
        try:
            client_id, registered_at = _client(fields, clients), _instant(fields, now)
            contacts = list(_contacts(fields, ddd))
        except _Bad as bad:
            faults.append(Fault(line, *bad.args))
            continue
        for contact in contacts:
            one = Registration(contact, client_id, registered_at)
            first, other = found.setdefault(contact, (line, one))
            if other != one:
                column = "address" if "@" in contact else "number"
                faults.append(Fault(line, column, f"line {first} says something else of the same contact"))
    return [one for _, one in found.values()], faults


def _lines(raw: bytes, faults: list[Fault]) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each line's fields by column with its number; what is wrong with the file as a whole is a fault."""
    text = _text(raw)
    if text is None or len(raw) > FILE_BYTES:
        rule = f"a file may have {FILE_BYTES} bytes" if text is not None else "must be UTF-8 or Windows-1252"
        faults.append(Fault(1, "", rule))
        return
    head = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in head else ",", strict=True)
    names: list[str] | None = None
    try:
        for row in reader:
            if not any(value.strip() for value in row):
                continue
            if names is None:
                names = _header(row, reader.line_num, faults)
                if names is None:
                    return
            elif len(row) != len(names):
                faults.append(Fault(reader.line_num, "", f"has {len(row)} fields, the header {len(names)}"))
            elif reader.line_num > LINES:
                faults.append(Fault(reader.line_num, "", f"a file may have {LINES} lines"))
                return
            else:
                yield reader.line_num, {name: value.strip() for name, value in zip(names, row, strict=True)}
    except csv.Error:
        faults.append(Fault(reader.line_num, "", "is no CSV: a quotation mark or a field does not end"))
    if names is None:
        faults.append(Fault(1, "", "the line with the names of the columns is missing"))


def _text(raw: bytes) -> str | None:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return None


def _header(row: Sequence[str], line: int, faults: list[Fault]) -> list[str] | None:
    """Return the columns, None where something is wrong with them."""
    before = len(faults)
    names = [_COLUMNS.get(_plain(name), "") for name in row]
    for place, name in enumerate(names, start=1):  # a file without a header line has a person's data there
        if not name:
            faults.append(Fault(line, f"column {place}", f"has an unknown name; known: {', '.join(_COLUMNS)}"))
        elif names.count(name) > 1:
            faults.append(Fault(line, f"column {place}", f"{name} is there twice"))
    if "client_id" not in names:
        faults.append(Fault(line, "client_id", "the column is missing"))
    if not {"address", "number"}.intersection(names):
        faults.append(Fault(line, "address", "a column address or number is needed"))
    return names if len(faults) == before else None


def _plain(name: str) -> str:
    bare = "".join(c for c in unicodedata.normalize("NFD", name.strip().lower()) if not unicodedata.combining(c))
    return bare.replace(" ", "_")


def _client(fields: Mapping[str, str], clients: Collection[str]) -> str:
    client_id = fields["client_id"]
    if not client_id:
        raise _Bad("client_id", "must not be empty")
    if client_id not in clients:
        raise _Bad("client_id", "must be an id of clients.yaml")
    return client_id


def _contacts(fields: Mapping[str, str], ddd: str) -> Iterator[str]:
    address, number = fields.get("address", ""), fields.get("number", "")
    if not address and not number:
        raise _Bad("address", "address or number must be filled in")
    if address:
        local, _, domain = address.rpartition("@")
        bad = any(c.isspace() or not c.isprintable() or c in '<>,;:"' for c in address)
        if bad or not local or not domain or "@" in local or len(address) > _ADDRESS_LENGTH:
            raise _Bad("address", "must be one e-mail address without a name")
        yield address.lower()
    if number:
        known = e164(number, ddd) if len(number) <= _FIELD_LENGTH else None
        if known is None:
            raise _Bad("number", "must be a telephone number with its area code (DDD)")
        yield known


def _instant(fields: Mapping[str, str], now: datetime) -> datetime | None:
    text = fields.get("registered_at", "")
    if not text:
        return None
    at = next(filter(None, (_read(text, how) for how in ("%Y-%m-%d", "%d/%m/%Y", ""))), None)
    if at is None:
        raise _Bad("registered_at", "must be a date (2026-03-05 or 05/03/2026) or RFC 3339 with offset")
    if not 1970 <= at.year < 2100 or at > now:
        raise _Bad("registered_at", "must not lie in the future, nor before 1970")
    return at


def _read(text: str, how: str) -> datetime | None:
    try:
        if how:
            return datetime.strptime(text, how).replace(tzinfo=DESK_ZONE).astimezone(UTC)
        at = datetime.fromisoformat(text)
        return at.astimezone(UTC) if at.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None
