"""What the servers themselves say of their batches."""

from __future__ import annotations

from emr_drill.clients.listing import LOOKS_WITHOUT, Listing
from emr_drill.clock import Clock
from tests.drill.clients.livy_server import HOST, LivyServer

ITEM = {"id": 3, "name": "k-try1", "appId": "application_1_1", "state": "running"}


def listing(port: int = 1) -> Listing:
    return Listing(clock=Clock.start(speed=1), servers=lambda: [("a", HOST)], port=port)


def test_batches_are_known_by_server_and_id_and_by_name() -> None:
    looks = listing()
    looks.take("a", [ITEM])
    looks.take("b", [{**ITEM, "name": "other-try1"}])

    assert {(one.cluster, one.id): one.name for one in looks.batches} == {("a", 3): "k-try1", ("b", 3): "other-try1"}
    assert (found := looks.of("k-try1")) is not None
    assert found.application == "application_1_1"


def test_a_batch_that_is_missed_once_is_not_deleted() -> None:
    """A server that has just been restarted reads its store."""
    looks = listing()
    looks.take("a", [ITEM])
    looks.take("a", [])
    once = looks.batches[0].deleted
    for _ in range(LOOKS_WITHOUT):
        looks.take("a", [])
    gone = looks.batches[0].deleted
    looks.take("a", [ITEM])

    assert (once, gone, looks.batches[0].deleted) == (False, True, False)


def test_batches_without_a_name_are_nobodys() -> None:
    looks = listing()
    looks.take("a", [{**ITEM, "name": None}])

    assert looks.batches == []


def test_a_server_that_does_not_answer_says_nothing_of_its_batches() -> None:
    server = LivyServer("running")
    server.batches[3] = {"name": "k-try1"}
    looks = listing(server.port)
    looks.look()
    server.close()
    for _ in range(LOOKS_WITHOUT + 1):
        looks.look()

    assert [(one.name, one.deleted) for one in looks.batches] == [("k-try1", False)]
