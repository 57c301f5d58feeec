"""Twilio's Messages resource: basic authentication, a form, 201 with a sid."""

import base64
import re
from urllib.parse import parse_qs

import orjson

from tests.fakes.remote import Remote, Reply, Request

ACCOUNT, TOKEN, SENDER = "AC" + "0" * 32, "canaryTwilioToken", "+15005550006"


def refusal(status: int, code: int) -> Reply:
    """Return an error as Twilio words it, with the number in it."""
    said = {
        "code": code,
        "message": "The number +5562988887777 ...",
        "more_info": "https://x.invalid",
        "status": status,
    }
    return Reply(status, orjson.dumps(said))


class TwilioApi(Remote):
    """Takes messages of one account."""

    def check(self, request: Request) -> None:
        """Demand path, proof and form."""
        assert (request.method, request.path) == ("POST", f"/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
        proof = base64.b64encode(f"{ACCOUNT}:{TOKEN}".encode()).decode()
        assert request.headers["authorization"] == f"Basic {proof}"
        assert request.headers["content-type"] == "application/x-www-form-urlencoded"
        form = parse_qs(request.body.decode("ascii"), strict_parsing=True)
        assert set(form) == {"To", "From", "Body"}
        assert re.fullmatch(r"\+[1-9]\d{7,14}", form["To"][0])
        assert form["From"] == [SENDER]
        assert 0 < len(form["Body"][0]) <= 1600

    def answer(self, request: Request) -> Reply:
        """Take the message."""
        sid = f"SM{len(self.requests):032x}"
        return Reply(201, orjson.dumps({"sid": sid, "status": "queued", "error_code": None, "error_message": None}))

    @property
    def texts(self) -> list[str]:
        """What was sent, in order."""
        return [parse_qs(request.body.decode())["Body"][0] for request in self.requests]
