"""The JSON Schema of a configuration file, for editors. What needs more than one field only the service itself says."""

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

_UNITS = ((86_400, "d"), (3_600, "h"), (60, "m"), (1, "s"))


class _AsInTheFile(GenerateJsonSchema):
    def encode_default(self, dft: Any) -> Any:
        """Return a default as the file would have it."""
        return _said(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def _said(length: timedelta) -> str:
    left, text = int(length.total_seconds()), ""
    for seconds, unit in _UNITS:
        count, left = divmod(left, seconds)
        text += f"{count}{unit}" if count else ""
    return text or "0s"


def config_schema(model: type[BaseModel], name: str) -> dict[str, Any]:
    """Return JSON Schema 2020-12 of the file ``name``."""
    made = model.model_json_schema(by_alias=True, schema_generator=_AsInTheFile)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": name}
