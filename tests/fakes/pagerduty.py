"""PagerDuty's Events API v2, as its documentation has it: schema, and the order of an incident's life."""

import orjson

from tests.fakes.remote import Remote, Reply, Request

ROUTING_KEY = "canary0routing0key0of0a0test0000"


class PagerDutyApi(Remote):
    """Keeps the state of each incident by its key."""

    def __init__(self, *script: object, **more: object) -> None:
        super().__init__(*script, **more)  # type: ignore[arg-type]  # what Remote takes
        self.incidents: dict[str, str] = {}

    def check(self, request: Request) -> None:
        """Demand PD-CEF; acknowledge and resolve name an incident that was triggered, and is not over."""
        assert (request.method, request.path) == ("POST", "/v2/enqueue")
        assert request.headers["content-type"] == "application/json"
        event = request.json
        assert event["routing_key"] == ROUTING_KEY
        assert 0 < len(event["dedup_key"]) <= 255
        action = event["event_action"]
        if action == "trigger":
            payload = event["payload"]
            assert {"summary", "source", "severity"} <= set(payload)
            assert 0 < len(payload["summary"]) <= 1024
            assert payload["severity"] in ("critical", "error", "warning", "info")
            known = {"summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"}
            assert set(payload) <= known
            assert all(set(link) == {"href", "text"} for link in event.get("links", []))
        else:
            assert action in ("acknowledge", "resolve")
            assert set(event) == {"routing_key", "event_action", "dedup_key"}
            over = self.incidents[event["dedup_key"]] == "resolve"
            assert action == "resolve" or not over

    def answer(self, request: Request) -> Reply:
        """Take the event."""
        key = request.json["dedup_key"]
        self.incidents[key] = request.json["event_action"]
        return Reply(202, orjson.dumps({"status": "success", "message": "Event processed", "dedup_key": key}))
