"""The file of registered contacts: what is taken, and every error at once with its line, never a person's data."""

from datetime import UTC, datetime

import pytest

from services.intake.domain.contact_file import Registration, read_contacts

NOW = datetime(2026, 3, 5, 12, tzinfo=UTC)
CLIENTS = ("acme", "nuvem")
DAY = datetime(2026, 1, 2, 3, tzinfo=UTC)  # midnight in Brasília

TAKEN = [
    ("address,client_id\nAna@Cliente.Example,acme\n", [("ana@cliente.example", "acme", None)]),
    ("Endereço;Cliente;Cadastrado em\r\nana@x.example;acme;02/01/2026\r\n", [("ana@x.example", "acme", DAY)]),
    ("E-mail;Telefone;cliente\nana@x.example;(62) 98765-4321;acme", [("ana@x.example", "acme", None), ("+5562987654321", "acme", None)]),
    ("number,client_id,registered_at\n3086-5750,nuvem,2026-01-02\n", [("+556230865750", "nuvem", DAY)]),
    ("number,client_id,registered_at\n3086-5750,nuvem,2026-01-02T00:00:00-03:00\n", [("+556230865750", "nuvem", DAY)]),
    ('client_id,address\n"acme","a@x.example"\n\n', [("a@x.example", "acme", None)]),
    ("address,client_id\na@x.example,acme\nA@X.example,acme\n", [("a@x.example", "acme", None)]),
    ("address,client_id\n", []),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), TAKEN)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "cp1252"])
def test_a_file_is_read_in_either_language_and_encoding(
    text: str, expected: list[tuple[str, str, datetime | None]], encoding: str
) -> None:
    found, faults = read_contacts(text.encode(encoding), CLIENTS, NOW, "62")
    assert faults == []
    assert list(found) == [Registration(*one) for one in expected]


WRONG = [
    ("address,client_id\nana,acme\nb@x,nobody\n,acme\nc@x,\n", [
        "2: address: must be one e-mail address without a name",
        "3: client_id: must be an id of clients.yaml",
        "4: address: address or number must be filled in",
        "5: client_id: must not be empty",
    ]),
    ("address,client_id\nAna <ana@x.example>,acme\na@b@c,acme\n", [f"{n}: address: must be one e-mail address without a name" for n in (2, 3)]),
    ("number,client_id\n12,acme\n", ["2: number: must be a telephone number with its area code (DDD)"]),
    ("address,client_id,registered_at\na@x,acme,2027-01-01\nb@x,acme,ontem\nc@x,acme,2026-01-01T00:00:00\n", [
        "2: registered_at: must not lie in the future, nor before 1970",
        "3: registered_at: must be a date (2026-03-05 or 05/03/2026) or RFC 3339 with offset",
        "4: registered_at: must be a date (2026-03-05 or 05/03/2026) or RFC 3339 with offset",
    ]),
    ("address,client_id\na@x,acme\na@x,nuvem\n", ["3: address: line 2 says something else of the same contact"]),
    ("address,client_id\na@x,acme,more\n", ["2: has 3 fields, the header 2"]),
    ('address,client_id\n"a@x,acme\n', ["2: is no CSV: a quotation mark or a field does not end"]),
    ("", ["1: the line with the names of the columns is missing"]),
    ("client_id\nacme\n", ["1: address: a column address or number is needed"]),
    ("address,email,client_id\n", ["1: column 1: address is there twice", "1: column 2: address is there twice"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), WRONG)
def test_every_error_is_said_with_line_field_and_rule(text: str, expected: list[str]) -> None:
    _, faults = read_contacts(text.encode(), CLIENTS, NOW)
    assert [str(fault) for fault in faults] == expected


def test_a_file_without_a_header_repeats_nobodys_address() -> None:
    _, faults = read_contacts(b"ana@cliente.example,acme\n", CLIENTS, NOW)
    assert len(faults) == 4
    assert "ana" not in "".join(map(str, faults))


def test_bytes_of_no_encoding_are_a_fault() -> None:
    _, faults = read_contacts(b"address,client_id\n\x81\xff@x,acme\n", CLIENTS, NOW)
    assert [str(fault) for fault in faults] == ["1: must be UTF-8 or Windows-1252"]
