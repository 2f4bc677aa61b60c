"""What is put to the URL that CloudFormation gave."""

from __future__ import annotations

import json
import threading
import urllib.error
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from dr_core.record import Answer
from failover.stack_answers import StackAnswers

from .parts import Clock


class _Bucket(BaseHTTPRequestHandler):
    """Takes what is put, after refusing as often as it was told."""

    refuse: ClassVar[int] = 0
    got: ClassVar[list[dict[str, Any]]] = []
    content_types: ClassVar[list[str | None]] = []

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if _Bucket.refuse:
            _Bucket.refuse -= 1
            self.send_response(503)
        else:
            _Bucket.got.append(json.loads(body))
            _Bucket.content_types.append(self.headers["Content-Type"])
            self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


@pytest.fixture
def answer() -> Iterator[Answer]:
    """Where an answer goes: a server of our own."""
    _Bucket.got.clear()
    _Bucket.content_types.clear()
    _Bucket.refuse = 0
    with HTTPServer(("127.0.0.1", 0), _Bucket) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield Answer(
            response_url=f"http://127.0.0.1:{server.server_port}/answer",
            stack_id="stack",
            request_id="request",
            logical_resource_id="A",
            physical_resource_id="deployment/a",
        )
        server.shutdown()
        thread.join()


def test_success_carries_the_data(answer: Answer) -> None:
    """Shape: CloudFormation User Guide, "Custom resource response objects"."""
    StackAnswers().send(answer, succeeded=True, reason="serves", data={"Generation": "1"})
    assert _Bucket.got == [
        {
            "Status": "SUCCESS",
            "Reason": "serves",
            "PhysicalResourceId": "deployment/a",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "A",
            "Data": {"Generation": "1"},
        }
    ]


def test_the_content_type_is_empty(answer: Answer) -> None:
    """The URL is signed without one."""
    StackAnswers().send(answer, succeeded=True, reason="serves")
    assert _Bucket.content_types == [""]


def test_failure_carries_the_reason(answer: Answer) -> None:
    """Cut to a length that CloudFormation takes."""
    StackAnswers().send(answer, succeeded=False, reason="x" * 5000)
    assert _Bucket.got[0]["Status"] == "FAILED"
    assert len(_Bucket.got[0]["Reason"]) == 1000


def test_a_refused_answer_is_repeated(answer: Answer, clock: Clock) -> None:
    """S3 may be slow for a moment."""
    _Bucket.refuse = 3
    StackAnswers().send(answer, succeeded=True, reason="serves")
    assert len(_Bucket.got) == 1


def test_an_answer_that_cannot_be_given_raises(answer: Answer, clock: Clock) -> None:
    """So that the machine calls the step again."""
    _Bucket.refuse = 4
    with pytest.raises(urllib.error.HTTPError):
        StackAnswers().send(answer, succeeded=True, reason="serves")
