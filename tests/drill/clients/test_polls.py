"""Thousands of polls by id."""

from __future__ import annotations

import time
from collections.abc import Sequence

import pytest

from emr_drill.clients import polls
from emr_drill.clients.polls import Polled, Pollers
from emr_drill.jobs.client import LivyClient
from emr_drill.owners import Issued
from tests.drill.clients.livy_server import HOST, LivyServer

ID = 1001000000


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "PAUSE_SECONDS", 0.001)


def polled(server: LivyServer, issued: Sequence[Issued], monkeypatch: pytest.MonkeyPatch) -> Polled:
    monkeypatch.setattr(
        polls, "LivyClient", lambda *, addresses, keep: LivyClient(addresses=addresses, keep=keep, port=server.port)
    )
    pollers = Pollers(count=2, addresses=lambda: [HOST], issued=lambda: issued, seed=1)
    pollers.start()
    limit = time.monotonic() + 20
    while pollers.polled.count < 2 * polls.POLLS_PER_CONNECTION + 2 and time.monotonic() < limit:
        time.sleep(0.01)
    pollers.stop()
    server.close()
    return pollers.polled


def server_with(name: str, *story: str | int) -> LivyServer:
    server = LivyServer()
    server.left[ID], server.batches[ID] = list(story), {"name": name}
    return server


def test_the_right_batch_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    found = polled(server_with("k-try1", "running"), [Issued(id=ID, name="k-try1")], monkeypatch)

    assert found.statuses[200] == found.count > 40
    assert found.wrong == []


def test_another_batch_is_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    found = polled(server_with("other-try1", "running"), [Issued(id=ID, name="k-try1")], monkeypatch)

    assert len(found.wrong) == found.count
    assert "'other-try1'" in found.wrong[0]


def test_no_such_batch_is_wrong_and_gone_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """410 says that the cluster is gone; 404 is a server that never had it."""
    missing = polled(server_with("k-try1", 404), [Issued(id=ID, name="k-try1")], monkeypatch)
    gone = polled(server_with("k-try1", 410), [Issued(id=ID, name="k-try1")], monkeypatch)

    assert len(missing.wrong) == missing.count
    assert (gone.wrong, gone.statuses[410]) == ([], gone.count)
