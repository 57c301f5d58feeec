"""The JSON Schemas for editors: current, and of one mind with the files that we ship."""

import json
from pathlib import Path

import jsonschema
import orjson
import pytest

from services.intake.commands import command
from services.intake.commands.schema import FILES, schemas
from shared.config import parse_yaml

CONFIG = Path("deploy/config")


def checker(name: str) -> jsonschema.Draft202012Validator:
    """Return what checks a file by the schema beside it."""
    text = (CONFIG / name.replace(".yaml", ".schema.json")).read_text(encoding="utf-8")
    jsonschema.Draft202012Validator.check_schema(json.loads(text))
    return jsonschema.Draft202012Validator(json.loads(text))


def test_the_schemas_are_those_of_the_models() -> None:
    for name, content in schemas():
        assert (CONFIG / name).read_bytes() == content, "run: python -m services.intake schema"


@pytest.mark.parametrize("name", list(FILES))
def test_a_shipped_file_fits_its_schema_and_an_unknown_key_does_not(name: str) -> None:
    raw = parse_yaml((CONFIG / name).read_text(encoding="utf-8"))
    assert [error.message for error in checker(name).iter_errors(raw)] == []
    assert [error.validator for error in checker(name).iter_errors({**raw, "unknown": 1})] == ["additionalProperties"]


@pytest.mark.parametrize(
    ("grace", "fits"), [("1h", True), ("1d2h3m4s", True), ("", False), ("PT1H", False), ("1h1d", False)]
)
def test_a_duration_is_checked_as_the_service_reads_it(grace: str, fits: bool) -> None:
    raw = parse_yaml((CONFIG / "clients.yaml").read_text(encoding="utf-8"))
    raw["clients"][0]["routines"][0]["grace"] = grace
    assert checker("clients.yaml").is_valid(raw) is fits


def test_the_command_writes_every_schema_and_names_a_folder_that_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command(["schema", str(tmp_path), "--json"]) == 0
    files = [orjson.loads(line)["file"] for line in capsys.readouterr().out.splitlines()]
    assert sorted(files) == sorted(str(path) for path in tmp_path.iterdir())
    assert command(["schema", str(tmp_path / "none")]) == 3
