"""A strict token endpoint (RFC 6749) that also tells a mail server whose token it sees (RFC 7662), on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

CLIENT_ID, CLIENT_SECRET, SCOPE = "prazo", "s3cret&=", "mail offline"


class TokenEndpoint:
    """Gives a new token and a new refresh token for the last one it gave; what is not exactly right gets 400."""

    def __init__(self, user: str) -> None:
        self.user, self.refresh_token, self.token, self.given = user, "r0", "", 0
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def _handler(endpoint) -> type[BaseHTTPRequestHandler]:  # noqa: N805  # the handler below has its own self
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                form = {key: values[0] for key, values in parse_qs(body).items()}
                status, answer = (endpoint.issue if self.path == "/token" else endpoint.introspect)(form)
                said = json.dumps(answer).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def issue(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Answer a request for a token."""
        right = {
            "grant_type": "refresh_token",
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "refresh_token": self.refresh_token,
            "scope": SCOPE,
        }
        if form != right:
            return 400, {"error": "invalid_grant"}
        self.given += 1
        self.token, self.refresh_token = f"t{self.given}", f"r{self.given}"
        return 200, {"access_token": self.token, "refresh_token": self.refresh_token, "expires_in": 3600}

    def introspect(self, form: dict[str, str]) -> tuple[int, dict[str, object]]:
        """Tell whose token it is."""
        return 200, {"active": bool(self.token) and form.get("token") == self.token, "username": self.user}


@contextmanager
def token_endpoint(user: str) -> Iterator[TokenEndpoint]:
    """Run an endpoint."""
    endpoint = TokenEndpoint(user)
    thread = threading.Thread(target=endpoint.server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield endpoint
    finally:
        endpoint.server.shutdown()
        endpoint.server.server_close()
        thread.join(5)
