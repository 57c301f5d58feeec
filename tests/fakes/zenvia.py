"""Zenvia's SMS channel (v2): a token in a header, JSON, 200 with an id."""

import re

import orjson

from tests.fakes.remote import Remote, Reply, Request

TOKEN, SENDER = "canaryZenviaToken", "prazo"


def refusal(status: int, code: str) -> Reply:
    """Return an error as Zenvia words it."""
    return Reply(status, orjson.dumps({"code": code, "message": "to 5562988887777 ...", "details": []}))


class ZenviaApi(Remote):
    """Takes messages of one token."""

    def check(self, request: Request) -> None:
        """Demand path, token and document."""
        assert (request.method, request.path) == ("POST", "/v2/channels/sms/messages")
        assert request.headers["x-api-token"] == TOKEN
        assert request.headers["content-type"] == "application/json"
        said = request.json
        assert set(said) == {"from", "to", "contents"}
        assert said["from"] == SENDER
        assert re.fullmatch(r"[1-9]\d{7,14}", said["to"])
        assert [set(content) for content in said["contents"]] == [{"type", "text"}]

    def answer(self, request: Request) -> Reply:
        """Take the message."""
        body = {"id": f"zen-{len(self.requests)}", "from": SENDER, "to": "x", "direction": "OUT", "channel": "sms"}
        return Reply(200, orjson.dumps(body))
