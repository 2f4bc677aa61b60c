"""The watch of who answers for an id (A1)."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from emr_drill import owners
from emr_drill.clock import Clock
from emr_drill.jobs.client import Answer
from emr_drill.owners import Issued, OwnerWatch

FIRST = Issued(id=1001000000, name="k-try1")
SECOND = Issued(id=1002000000, name="k-try2")
NODES = ("127.12.1.2", "127.12.2.2")


class FrontDoor:
    """Answers as it was told, for each node and path; knows who asked for what."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {f"/batches/{one.id}": right(one) for one in (FIRST, SECOND)}
        self.asked: list[tuple[str, str]] = []
        self.closed = 0

    def client(self, *, addresses: Callable[[], Sequence[str]], **_: Any) -> Client:
        return Client(self, addresses()[0])


class Client:
    """A Livy client of one node."""

    def __init__(self, door: FrontDoor, node: str) -> None:
        self._door = door
        self._node = node

    def call(self, method: str, path: str) -> Answer:
        assert method == "GET"
        self._door.asked.append((self._node, path))
        return self._door.answers[path]

    def close(self) -> None:
        self._door.closed += 1


def right(one: Issued) -> Answer:
    return Answer(status=200, body={"id": one.id, "name": one.name, "state": "running"})


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> FrontDoor:
    made = FrontDoor()
    monkeypatch.setattr(owners, "LivyClient", made.client)
    return made


def watch(
    *,
    issued: Callable[[], Sequence[Issued]] = lambda: [FIRST],
    gone: Callable[[int], bool] = lambda batch_id: False,
    settled_at: Callable[[], float] = lambda: float("-inf"),
) -> OwnerWatch:
    return OwnerWatch(
        clock=Clock.start(speed=10_000), nodes=NODES, issued=issued, may_be_gone=gone, settled_at=settled_at
    )


def finished(made: OwnerWatch) -> OwnerWatch:
    """*made*, after its last round alone."""
    made._stop.set()
    made.start()
    made.finish()
    return made


def test_every_id_is_asked_for_through_every_node(door: FrontDoor) -> None:
    findings = finished(watch(issued=lambda: [FIRST, SECOND])).findings

    assert door.asked == [(node, f"/batches/{one.id}") for node in NODES for one in (FIRST, SECOND)]
    assert (findings.asked, findings.complaints) == (4, [])


def test_connections_are_closed(door: FrontDoor) -> None:
    finished(watch())

    assert door.closed == len(NODES)


@pytest.mark.parametrize(
    "body",
    [
        {"id": SECOND.id, "name": FIRST.name},
        {"id": FIRST.id, "name": "another job's"},
        {},
        None,
    ],
)
def test_an_answer_about_another_batch_is_a_wrong_owner(door: FrontDoor, body: Any) -> None:
    door.answers[f"/batches/{FIRST.id}"] = Answer(status=200, body=body)

    complaints = finished(watch()).findings.complaints

    assert len(complaints) == len(NODES)
    assert str(FIRST.id) in complaints[0] and NODES[0] in complaints[0]


def test_a_404_is_a_wrong_owner(door: FrontDoor) -> None:
    door.answers[f"/batches/{FIRST.id}"] = Answer(status=404)

    assert "answered 404 through 127.12.1.2: a wrong owner" in finished(watch()).findings.complaints[0]


def test_a_410_before_the_applications_are_dead_is_a_lie(door: FrontDoor) -> None:
    """It tells a client to run its job again while the old run can still write."""
    door.answers[f"/batches/{FIRST.id}"] = Answer(status=410)

    assert "before its applications were dead" in finished(watch()).findings.complaints[0]


def test_a_410_after_they_are_dead_is_right(door: FrontDoor) -> None:
    door.answers[f"/batches/{FIRST.id}"] = Answer(status=410)

    assert finished(watch(gone=lambda batch_id: batch_id == FIRST.id)).findings.complaints == []


def test_whose_applications_are_dead_is_found_out_once_for_a_range(door: FrontDoor) -> None:
    """Hundreds of ids answer 410 at the end of a long drill, through every node."""
    other = Issued(id=FIRST.id + 7, name="k-try8")
    asked: list[int] = []
    for one in (FIRST, other):
        door.answers[f"/batches/{one.id}"] = Answer(status=410)

    finished(watch(issued=lambda: [FIRST, other], gone=lambda batch_id: not asked.append(batch_id)))  # type: ignore[func-returns-value]

    assert asked == [FIRST.id]


@pytest.mark.parametrize("status", [0, 500, 502, 503, 504])
def test_no_answer_is_nobodys_answer(door: FrontDoor, status: int) -> None:
    door.answers[f"/batches/{FIRST.id}"] = Answer(status=status)

    findings = finished(watch()).findings

    assert findings.complaints == []
    assert findings.statuses == {status: len(NODES)}


def rounds(made: OwnerWatch, count: int) -> Iterator[list[Issued]]:
    """The ids of each of *count* rounds, in order; ends the watch after them."""
    seen: list[list[Issued]] = []
    enough = threading.Event()

    def note(issued: Sequence[Issued]) -> None:
        seen.append(list(issued))
        if len(seen) == count:
            made._stop.set()
            enough.set()

    made._round = note  # type: ignore[method-assign]
    made.start()
    assert enough.wait(20)
    made.stop()
    return iter(seen)


def test_many_ids_are_taken_in_turns_until_each_was_asked_for() -> None:
    many = [Issued(id=1001000000 + number, name=f"k-{number}") for number in range(30)]

    seen = list(rounds(watch(issued=lambda: many), 3))

    assert [len(one) for one in seen] == [owners.IDS_PER_ROUND] * 3
    assert {one.id for taken in seen for one in taken} == {one.id for one in many}


def test_every_id_is_asked_for_once_a_change_took_effect() -> None:
    many = [Issued(id=1001000000 + number, name=f"k-{number}") for number in range(30)]
    made = watch(issued=lambda: many, settled_at=lambda: 1.0)

    first, second = rounds(made, 2)

    assert first == many
    assert len(second) == owners.IDS_PER_ROUND
    assert made.findings.whole_rounds == 1


def test_without_ids_nothing_is_asked(door: FrontDoor) -> None:
    looks = iter([[], [], [FIRST]])
    made = watch(issued=lambda: next(looks))

    assert list(rounds(made, 1)) == [[FIRST]]


def test_a_watch_that_broke_cannot_vouch_for_anything(door: FrontDoor) -> None:
    broke = threading.Event()

    def fail() -> list[Issued]:
        if broke.is_set():
            return []
        broke.set()
        raise OSError("on purpose")

    made = watch(issued=fail)
    made.start()
    assert broke.wait(20)

    with pytest.raises(OSError, match="on purpose"):
        made.finish()


def test_stopping_alone_asks_for_nothing(door: FrontDoor) -> None:
    made = watch()
    made._stop.set()
    made.start()

    made.stop()

    assert door.asked == []


def test_who_hangs_for_one_id_is_not_asked_for_another_of_its_range(door: FrontDoor) -> None:
    """In one round, through one node: each of them would take the whole limit."""
    sibling = Issued(id=FIRST.id + 1, name="k-try3")
    door.answers[f"/batches/{FIRST.id}"] = Answer(status=0, error="timed out")
    finished(watch(issued=lambda: [FIRST, sibling, SECOND]))

    assert [path for node, path in door.asked if node == NODES[0]] == [f"/batches/{FIRST.id}", f"/batches/{SECOND.id}"]
    assert len({node for node, _ in door.asked}) == 2
