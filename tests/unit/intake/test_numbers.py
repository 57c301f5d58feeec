"""Every way in which PBXs and carriers write one number is one number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.intake.domain.numbers import e164

LANDLINE, MOBILE = "+556230865750", "+5562988887777"

SAID = [
    ("as dialled from elsewhere", "06230865750", "", LANDLINE),
    ("without the trunk prefix", "6230865750", "", LANDLINE),
    ("with a carrier code", "0156230865750", "", LANDLINE),
    ("as people write it", "(62) 3086-5750", "", LANDLINE),
    ("as people write it with a carrier", "0 15 62 3086-5750", "", LANDLINE),
    ("E.164", "+556230865750", "", LANDLINE),
    ("E.164 without its plus", "556230865750", "", LANDLINE),
    ("a SIP address", "sip:+556230865750@operadora.example", "", LANDLINE),
    ("in angle brackets", "<6230865750>", "", LANDLINE),
    ("a tel address", "tel:+55-62-3086-5750", "", LANDLINE),
    ("without DDD, on a trunk of 62", "30865750", "62", LANDLINE),
    ("without DDD, on an unknown trunk", "30865750", "", None),
    ("a mobile", "62988887777", "", MOBILE),
    ("an old mobile gets its ninth digit", "6288887777", "", MOBILE),
    ("an old mobile in E.164", "+556288887777", "", MOBILE),
    ("an old mobile without DDD", "88887777", "62", MOBILE),
    ("a mobile without DDD", "988887777", "62", MOBILE),
    ("an old mobile with a carrier code", "0216288887777", "", MOBILE),
    ("a collect call", "9090988887777", "62", MOBILE),
    ("a collect call of an old mobile", "909088887777", "62", MOBILE),
    ("a collect call with DDD", "909062988887777", "", MOBILE),
    ("a collect call through a carrier", "901562988887777", "", MOBILE),
    ("DDD 55 is no country code", "5532221234", "", "+555532221234"),
    ("DDD 55 with the country code", "+555532221234", "", "+555532221234"),
    ("DDD 90 does not exist, 91 does", "9132221234", "", "+559132221234"),
    ("a landline never gets a ninth digit", "1150501234", "", "+551150501234"),
    ("toll-free", "08007012345", "", "+558007012345"),
    ("toll-free without its 0", "8007012345", "", "+558007012345"),
    ("the same from everywhere", "40041234", "62", "+5540041234"),
    ("as dialled from abroad", "005562988887777", "", MOBILE),
    ("a landline as dialled from abroad", "00556230865750", "", LANDLINE),
    ("from abroad", "+12025550123", "", "+12025550123"),
    ("to abroad with a carrier", "002112025550123", "", "+12025550123"),
    ("withheld", "anonymous", "62", None),
    ("withheld by Asterisk", "<unknown>", "62", None),
    ("withheld, as others say it", "Unavailable", "62", None),
    ("withheld in SIP", "sip:anonymous@anonymous.invalid", "62", None),
    ("empty", "", "62", None),
    ("nothing", None, "62", None),
    ("an extension", "101", "62", None),
    ("emergency services", "190", "62", None),
    ("a name", "Padaria 24 horas", "62", None),
    ("one digit", "0", "62", None),
    ("too long", "1" * 40, "62", None),
]


@pytest.mark.parametrize(("said", "ddd", "number"), [r[1:] for r in SAID], ids=[r[0] for r in SAID])
def test_a_number_is_one_number_however_it_is_written(said: str | None, ddd: str, number: str | None) -> None:
    assert e164(said, ddd) == number


@given(st.text(max_size=40) | st.from_regex(r"\+?[0-9 ()-]{0,18}", fullmatch=True), st.sampled_from(["", "62", "11"]))
def test_whatever_is_said_is_a_number_that_stays_itself_or_none(said: str, ddd: str) -> None:
    number = e164(said, ddd)
    assert number is None or (number.startswith("+") and number[1:].isdigit() and e164(number, "21") == number)
