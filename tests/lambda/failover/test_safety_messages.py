"""Messages and answers that nobody takes: they stop nothing."""

from __future__ import annotations

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest

from dr_core.record import Answer, Outcome
from failover.execution_ended import tidy_up
from failover.stack_answers import StackAnswers

from .fakes import FakeTopics, client_error
from .parts import DEPLOYMENT, Clock
from .scenarios import ended, failing, launched
from .world import World


@pytest.fixture
def refusing_topic(monkeypatch: pytest.MonkeyPatch) -> None:
    """An alert topic whose key was disabled."""

    def publish(self: FakeTopics, **_: Any) -> None:
        raise client_error("KMSDisabledException", "the key is disabled", "Publish")

    monkeypatch.setattr(FakeTopics, "publish", publish)


@pytest.mark.usefixtures("refusing_topic")
def test_a_topic_that_refuses_does_not_stop_a_failover(world: World) -> None:
    """A14: the recovery counts, and telling people of it comes after."""
    assert launched(world).run_operation(failing(world)) == "CutOverDone"


@pytest.mark.usefixtures("refusing_topic")
def test_a_topic_that_refuses_does_not_keep_a_lease(world: World) -> None:
    """The next failover would find the managed cluster locked."""
    request = world.request("launch", "op1")
    world.expect_answer("op1", request)
    world.run_operation(request, until="Verify")
    tidy_up(world.deployment, ended(world, request, status="TIMED_OUT"))
    assert world.operation("op1").outcome is Outcome.FAILED
    assert world.managed_cluster().lease is None


@pytest.mark.usefixtures("refusing_topic")
def test_a_message_that_was_refused_is_counted(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """An alarm may watch the metric: it reaches people on another way."""
    world.deployment.notices.tell(subject="s", happened="a", done="b", to_do="c")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (written,) = [line for line in lines if "NoticesRefused" in line]
    assert (written["NoticesRefused"], written["service"]) == ([1], DEPLOYMENT)
    assert "managed_cluster" not in written


class _ExpiredUrl(BaseHTTPRequestHandler):
    """Answers as S3 does when a presigned URL has expired."""

    asked: ClassVar[list[str]] = []

    def do_PUT(self) -> None:
        _ExpiredUrl.asked.append(self.path)
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(403)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Be quiet."""


def test_an_answer_whose_url_has_expired_counts_as_given(clock: Clock) -> None:
    """The stack has given up by itself; a retirement that comes late must not fail because of it."""
    _ExpiredUrl.asked.clear()
    with HTTPServer(("127.0.0.1", 0), _ExpiredUrl) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        answer = Answer(
            response_url=f"http://127.0.0.1:{server.server_port}/answer",
            stack_id="stack",
            request_id="request",
            logical_resource_id="A",
            physical_resource_id="deployment/a",
        )
        try:
            StackAnswers().send(answer, succeeded=True, reason="gone")
        finally:
            server.shutdown()
            thread.join()
    assert _ExpiredUrl.asked == ["/answer"]
