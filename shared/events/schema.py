"""The checked-in JSON Schemas of every event type: ``python -m shared.events.schema FOLDER`` writes them."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from shared.events import MODELS

VERSION = "v1"


def schemas() -> Iterator[tuple[str, str]]:
    """Yield (file name, text) of each type's JSON Schema, made from its model."""
    for name, model in sorted(MODELS.items()):
        schema = model.model_json_schema(by_alias=True)
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
        schema["title"] = name
        schema["properties"]["type"] = {"const": name}
        yield f"{name}.{VERSION}.schema.json", json.dumps(schema, indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for file_name, text in schemas():
        (folder / file_name).write_text(text, encoding="utf-8")
