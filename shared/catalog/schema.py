"""The JSON Schema of catalog files, for editors; what needs more than one field is said by ``catalog check`` only."""

from typing import Any

import holidays

from shared.catalog.model import CatalogFile
from shared.catalog.public_holidays import optional_holidays

_COUNTRY = "BR"


def schema() -> dict[str, Any]:
    """Return JSON Schema 2020-12; states and optional holidays of Brazil stand there as examples."""
    made = CatalogFile.model_json_schema(by_alias=True)
    part = made["$defs"]["HolidaysPart"]["properties"]
    part["country"]["examples"] = [_COUNTRY]
    part["state"]["examples"] = sorted(holidays.list_supported_countries(include_aliases=False)[_COUNTRY])
    names = sorted(name.replace(" ", "_") for name in optional_holidays(_COUNTRY, None))
    part["optional"]["items"]["examples"] = names
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **made, "title": "prazo.catalog/1"}
