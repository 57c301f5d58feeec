"""The canary test's own eyes: a planted leak is found in every form and place, and nothing else is."""

import pytest

from tests.canary import Canary, forms, leaks

SECRETS = [
    Canary("local part", "zelda.quimera"),
    Canary("address", "zelda.quimera@canario.example"),
    Canary("name", "Zélda Quimera"),
    Canary("number", "62987112233", digits=True),
    Canary("password", "senha +/da quimera&1"),
]
CASES = [(canary, form) for canary in SECRETS for form in forms("x")]


@pytest.mark.parametrize(("canary", "form"), CASES, ids=[f"{c.name} {form}" for c, form in CASES])
@pytest.mark.parametrize("before", [b"", b"{'a': \"", b"key=1;", b"xx", b"abc "])
def test_a_planted_leak_is_found_in_every_form(canary: Canary, form: str, before: bytes) -> None:
    said = before + forms(canary.text)[form] + b'"}\n'
    assert f"log: {canary.name} ({form})" in leaks({"log": said, "other": b"nothing"}, [canary])


@pytest.mark.parametrize(
    "said", ["(62) 98711-2233", "62 9 8711 2233", "+55 62 98711.2233", "5562987112233", "(62)98711-2233"]
)
def test_a_number_is_found_with_any_punctuation(said: str) -> None:
    assert leaks({"topic": f"ligar {said} hoje".encode()}, SECRETS) != []


@pytest.mark.parametrize("shift", range(3))
def test_base64_is_found_at_any_place_of_it(shift: int) -> None:
    planted = forms("x" * shift + "zelda.quimera@canario.example")["base64"]
    assert "t: address (base64)" in leaks({"t": planted}, SECRETS)


def test_capitals_make_no_difference_and_what_is_near_is_no_leak() -> None:
    assert "t: local part (plain)" in leaks({"t": b"ZELDA.QUIMERA"}, SECRETS)
    near = b'{"at":"2026-11-25T15:00:00Z","ticket":"20261125-000062","n":987112234,"by":"zelda","mask":"[e-mail] [telefone]"}'
    assert leaks({"t": near}, SECRETS) == []
