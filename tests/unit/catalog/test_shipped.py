"""The shipped example covers the policy, rule by rule, in both languages, and says that it is an example."""

from pathlib import Path

from shared.catalog import load

SHIPPED = Path("deploy/config/catalog/2026-01.yaml")


def test_the_shipped_catalog_says_in_its_first_line_that_it_is_an_example() -> None:
    assert SHIPPED.read_text(encoding="utf-8").startswith("# EXAMPLE. Not the vendor's")


def test_the_shipped_catalog_covers_the_policy() -> None:
    catalog = load(SHIPPED)
    services = catalog.services
    assert all(set(service.names) == {"pt-BR", "en"} for service in services.values())
    emergency = {name for name, service in services.items() if service.emergency}
    assert {"nfe-emission", "emergency-line", "security-incident"} <= emergency  # rules 1, 2
    assert [name for name, s in services.items() if s.emergency_always] == ["security-incident"]
    assert all("customer_infrastructure" in s.pauses["action"] and not s.pauses["response"] for s in services.values())
    scheduled = {name for name, service in services.items() if service.scheduling is not None}
    assert scheduled == {"update", "migration", "reinstallation", "training"}  # rules 9, 11
    charged = {name: s.chargeable for name, s in services.items() if s.chargeable != "no"}
    assert charged == {"migration": "yes", "reinstallation": "yes", "training": "yes", "danfe-layout": "maybe"}
    assert {"backup-routine", "triage", "callback"} <= set(services)  # rules 2, 3, 10
