"""A Livy of few words: batches whose states are told by a script, on a port of its own."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HOST = "127.0.0.1"


class LivyServer:
    """Answers each poll of a batch with the next of its *story*, a state or an HTTP status; the last one stays.

    Args:
        story: of every batch; ``stories`` gives some batches (by name) another.
        refuse: how many POSTs are answered 503 first.

    ``delete_status`` is what a DELETE is answered with.
    """

    def __init__(
        self, *story: str | int, refuse: int = 0, stories: dict[str, Sequence[str | int]] | None = None
    ) -> None:
        self.story = story
        self.stories = stories or {}
        self.refuse = refuse
        self.batches: dict[int, dict[str, Any]] = {}
        self.deleted: list[int] = []
        self.delete_status = 200
        self.left: dict[int, list[str | int]] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def send(self, status: int, body: object) -> None:
                content = json.dumps(body, separators=(",", ":")).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if owner.refuse:
                    owner.refuse -= 1
                    return self.send(503, {"msg": "not now"})
                number = 1001000000 + len(owner.left)
                owner.left[number] = list(owner.stories.get(body["name"], owner.story))
                owner.batches[number] = body
                return self.send(
                    201, {"id": number, "name": body["name"], "state": "starting", "appInfo": {}, "log": []}
                )

            def do_GET(self) -> None:
                path, _, _ = self.path.partition("?")
                parts = path.strip("/").split("/")
                if len(parts) == 1:
                    return self.send(200, {"from": 0, "total": 0, "sessions": owner.listed()})
                number = int(parts[1])
                if parts[2:] == ["log"]:
                    return self.send(200, {"id": number, "from": 0, "total": 1, "log": ["a line"]})
                answer = owner.next(number)
                if isinstance(answer, int):
                    return self.send(answer, {"msg": f"no {number}"})
                body = {"id": number, "state": answer}
                return self.send(200, body if parts[2:] else {**body, **owner.about(number)})

            def do_DELETE(self) -> None:
                number = int(self.path.strip("/").split("/")[1])
                owner.deleted.append(number)
                owner.batches.pop(number, None)
                self.send(owner.delete_status, {"msg": "deleted"})

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Stop."""
        self._server.shutdown()
        self._server.server_close()

    def next(self, number: int) -> str | int:
        """The answer to a poll."""
        left = self.left[number]
        return left.pop(0) if len(left) > 1 else left[0]

    def about(self, number: int) -> dict[str, Any]:
        """What the batch itself says besides its state."""
        body = self.batches.get(number, {})
        return {"name": body.get("name"), "appId": f"application_1_{number}", "appInfo": {}, "log": []}

    def listed(self) -> list[dict[str, Any]]:
        """Every batch that there is."""
        return [{"id": number, "state": "running", **self.about(number)} for number in self.batches]
