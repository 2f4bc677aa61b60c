"""What the front door saw."""

from __future__ import annotations

from emr_drill.clients.access import AccessLog

OWNERS = {1001000000: "g1", 1002000000: "g2"}
AT = {"127.1.1.10": "g1", "127.1.2.10": "g2"}


def noted(path: str, target: str, status: int = 200) -> AccessLog:
    log = AccessLog()
    log.note(1.0, "127.1.1.2", 8998, "GET", path, status, target, "10")
    return log


def misrouted(log: AccessLog) -> int:
    return log.seen(owner=OWNERS.get, cluster_at=AT.get).misrouted


def test_polls_are_counted_by_status() -> None:
    log = noted("/batches/1001000000/state", "127.1.1.10:8998")
    log.note(2.0, "127.1.1.2", 8998, "GET", "/batches/1001000000/state", 502, "", "10")
    log.note(2.0, "127.1.1.2", 8998, "POST", "/batches", 201, "127.1.1.10:8998", "default")

    assert log.seen(owner=OWNERS.get, cluster_at=AT.get).polls == {200: 1, 502: 1}


def test_an_answer_of_another_cluster_is_misrouted() -> None:
    assert misrouted(noted("/batches/1001000000", "127.1.1.10:8998")) == 0
    assert misrouted(noted("/batches/1001000000/log?from=0", "127.1.2.10:8998")) == 1


def test_what_the_front_door_answers_itself_is_not_misrouted() -> None:
    assert misrouted(noted("/batches/1001000000", "", 410)) == 0


def test_a_cluster_that_does_not_answer_told_nobody_anything() -> None:
    assert misrouted(noted("/batches/1001000000", "127.1.2.10:8998", 502)) == 0
