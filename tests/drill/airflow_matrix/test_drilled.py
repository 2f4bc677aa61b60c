"""One drill of the matrix: which jobs there are, and what is made of them (A6, A9)."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emr_drill.airflow_matrix import drilled
from emr_drill.airflow_matrix.cases import CASES, Group, Request
from emr_drill.airflow_matrix.clients import MODES, RELEASES, Operator, clients
from emr_drill.airflow_matrix.crew import Task
from emr_drill.airflow_matrix.drilled import Options, Strike, came_about, jobs, settled
from emr_drill.airflow_matrix.lines import Line, Seen
from emr_drill.airflow_matrix.verdict import Said
from emr_drill.jobs.ledger import Entry

EVERYONE = clients(tuple(Operator))


def options(strategy: str = "active-passive", **changes: Any) -> Options:
    return Options(**{"strategy": strategy, "groups": tuple(Group), "clients": EVERYONE, "copies": 2, **changes})


def test_every_case_is_run_by_everyone() -> None:
    found = [(case.name, client.name) for group in Group for _, case, client in jobs(group, options())]

    assert len(EVERYONE) == len(Operator) * len(MODES) * len(RELEASES) == 8
    assert {found.count((case, client.name)) for case in CASES for client in EVERYONE} == {2}


def test_keys_are_unique_and_fit_for_a_dag() -> None:
    keys = [key for group in Group for key, _, _ in jobs(group, options())]

    assert len(set(keys)) == len(keys)
    assert all(key.replace("-", "").replace(".", "").isalnum() for key in keys)


@pytest.mark.parametrize(("group", "times"), [(Group.WIRE, 1), (Group.DIES, 2), (Group.LIVY_RESTART, 2)])
def test_where_half_of_the_jobs_are_struck_there_are_twice_as_many(group: Group, times: int) -> None:
    assert len(jobs(group, options("active-active"))) == times * len(jobs(group, options()))


def test_who_waits_for_the_fault_starts_last() -> None:
    """Whoever waits must not wait longer than its client's patience."""
    held = [case.held for _, case, _ in jobs(Group.DIES, options())]

    assert held == sorted(held) and any(held) and not all(held)


def test_a_plan_as_the_command_has_it_makes_as_many_runs_as_are_wanted() -> None:
    """Two strategies, two deployments each, with our operator."""
    ours = clients((Operator.OURS,))
    runs = sum(
        len(jobs(group, options(strategy, clients=ours)))
        for strategy in ("active-passive", "active-active")
        for group in Group
    )

    assert 2 * runs >= 500


STRIKE = Strike(cluster="g1", at=10.0, clock_at=30.0)


class Deployed:
    def __init__(self, states: list[str], outcomes: list[str]) -> None:
        self.config = SimpleNamespace(managed_clusters=["a", "b"])
        self._states, self._outcomes = states, outcomes

    def incarnations(self) -> list[dict[str, Any]]:
        return [{"state": state} for state in self._states]

    def records(self, kind: str) -> list[dict[str, Any]]:
        return [{"id": "o", "outcome": outcome, "request": "{}"} for outcome in self._outcomes]


@pytest.mark.parametrize(
    ("states", "outcomes", "expected"),
    [
        (["serving", "serving", "retiring"], ["launched"], True),
        (["serving"], ["launched"], False),
        (["serving", "serving"], [""], False),
    ],
)
def test_a_deployment_is_at_rest(states: list[str], outcomes: list[str], expected: bool) -> None:
    assert settled(cast("Any", Deployed(states, outcomes))) is expected


def task(case: str, *seen: Seen, batches: tuple[int, ...] = (), state: str = "success") -> Task:
    line = Line(key=f"k-{case}", mishaps=[], batches=list(batches), seen=list(seen))
    return Task(key=line.key, case=CASES[case], client=EVERYONE[0], line=line, said=Said(state=state, at=50.0))


def act(folder: Path, *tasks: Task, effects: tuple[str, ...] = ()) -> drilled._Act:
    lines = [
        {"job": key, "incarnation": "g1", "application": f"a{number}", "at": 40.0, "event": "effect"}
        for number, key in enumerate(effects)
    ]
    (folder / "ledger.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    found = object.__new__(drilled._Act)
    found.drill = cast("Any", SimpleNamespace(workdir=folder, clock=SimpleNamespace(speed=5.0)))
    found.deployment = cast("Any", SimpleNamespace(owner=lambda batch: f"g{batch // 10}"))
    found.crew = cast("Any", SimpleNamespace(tasks={one.key: one for one in tasks}))
    return found


def seen(request: Request, at: float, batch: int | None = None, status: int = 200) -> Seen:
    return Seen(at=at, request=request, status=status, batch=batch)


def test_a_run_is_struck_where_its_cluster_is(tmp_path: Path) -> None:
    on = task("dies-mid-poll", seen(Request.POLL, 5.0), seen(Request.POLL, 15.0), batches=(11, 21))
    beside = task("dies-after-answer", seen(Request.POLL, 15.0), batches=(21,))
    over = task("livy-restart", seen(Request.POLL, 5.0), batches=(12,))
    found = act(tmp_path, on, beside, over, effects=(on.key, beside.key))._judged([on, beside, over], STRIKE)

    assert [one["struck"] for one in found] == [True, False, False]
    assert [one["outcome"] for one in found] == ["right", "right", "wrong"]
    assert [one["effects"] for one in found] == [1, 1, 0]


@pytest.mark.parametrize(
    ("case", "cluster", "effect_at", "strike", "found"),
    [
        ("dies-before-answer", "g1", 140.0, STRIKE, "dies-before-answer"),
        ("dies-before-answer", "g1", 60.0, STRIKE, "dies-after-end"),
        ("dies-before-answer", "g2", 60.0, STRIKE, "dies-before-answer"),
        ("dies-before-answer", "g1", 20.0, STRIKE, "dies-after-end"),
        ("dies-mid-poll", "g1", 20.0, None, "dies-mid-poll"),
        ("dies-after-end", "g1", 60.0, STRIKE, "dies-after-end"),
        ("dies-after-end", "g1", 140.0, STRIKE, "dies-after-answer"),
        ("dies-at-kill", "g1", 20.0, STRIKE, "dies-at-kill"),
        ("livy-restart", "g1", 20.0, STRIKE, "livy-restart"),
    ],
)
def test_a_job_that_had_ended_when_it_was_given_to_another_cluster_is_another_case(
    case: str, cluster: str, effect_at: float, strike: Strike | None, found: str
) -> None:
    """A9: what befell it says which case it was, and not what it was planned for; two at once are no such case."""
    entry = Entry(job="k", incarnation=cluster, application="a", at=effect_at, event="effect")

    assert came_about(CASES[case], [entry], strike, again_at=80.0) == found


def test_the_fault_waits_until_a_job_has_ended_that_is_to_have_ended(tmp_path: Path) -> None:
    one = task("dies-after-end", seen(Request.SUBMIT, 5.0), batches=(11,))
    other = task("dies-before-answer", seen(Request.SUBMIT, 5.0), batches=(12,))

    assert not act(tmp_path, one, other, effects=(other.key,))._in_position([one, other])
    assert act(tmp_path, one, other, effects=(one.key,))._in_position([one, other])
    assert act(tmp_path, other)._in_position([other])


@pytest.mark.parametrize(
    ("again", "found"),
    [
        (seen(Request.SUBMIT, 15.0), "dies-after-end"),  # at 55 of the drill's clock, after the effect at 40
        (seen(Request.SUBMIT, 11.0), "dies-before-answer"),  # at 35, before it
        (seen(Request.POLL, 15.0), "dies-before-answer"),  # never
    ],
)
def test_when_it_was_given_to_another_cluster_is_read_off_its_requests(tmp_path: Path, again: Seen, found: str) -> None:
    one = task("dies-before-answer", seen(Request.SUBMIT, 5.0), seen(Request.POLL, 10.5, 11), again, batches=(11,))

    assert act(tmp_path, one, effects=(one.key,))._judged([one], STRIKE)[0]["case"] == found


def test_who_was_killed_before_the_cluster_died_is_not_struck(tmp_path: Path) -> None:
    early = task("dies-at-kill", seen(Request.DELETE, 5.0, 11), batches=(11,), state="failed")
    late = task("dies-at-kill", seen(Request.DELETE, 15.0, 11, 502), batches=(11,), state="failed")
    found = act(tmp_path, early, late)._judged([early, late], STRIKE)

    assert [one["struck"] for one in found] == [False, True]
    assert [one["outcome"] for one in found] == ["right", "right"]


def test_on_the_wire_a_run_is_struck_whose_requests_met_something(tmp_path: Path) -> None:
    met, not_met = task("ghost", batches=(11,)), task("5xx-at-poll", batches=(12,))
    met.line.met = True
    found = act(tmp_path, met, not_met, effects=(met.key, not_met.key, not_met.key))._judged([met, not_met], None)

    assert [one["struck"] for one in found] == [True, False]
    assert found[1]["outcome"] == "doubled"


def test_others_batches_are_told(tmp_path: Path) -> None:
    bad = task("ghost", seen(Request.DELETE, 5.0, 12), batches=(11,))
    other = task("expired", batches=(12,))
    found = act(tmp_path, bad, other)._judged([bad], None)

    assert (found[0]["strangers"], found[0]["deletes"]) == ([12], 1)
