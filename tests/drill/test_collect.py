"""Putting together what a drill found (A13)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from emr_drill.clients.judgement import Counts, StockJudgement
from emr_drill.clock import Clock
from emr_drill.collect import broken_invariants, broken_standbys, collect, under_way
from emr_drill.faults.model import Moment
from emr_drill.faults.scene import Scene
from emr_drill.faults.table import find
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress, Submission, Try
from emr_drill.observe import Execution, StateEntry
from emr_drill.owners import Findings
from emr_drill.rehearsal import Timeline
from emr_drill.report import Report

ORIGIN = 1_000_000.0
FAULT_AT = ORIGIN + 900
# Seconds after the fault at which the failover entered its states.
ENTERED = {"Claim": 30.0, "Launch": 40.0, "Verify": 500.0, "Fence": 560.0, "CutOver": 570.0, "CutOverDone": 590.0}


def execution(name: str = "o2", *, started: float = FAULT_AT + 29, stopped: float | None = FAULT_AT + 590) -> Execution:
    return Execution(
        arn=name,
        name=name,
        status="SUCCEEDED",
        started=started,
        stopped=stopped,
        states=[StateEntry(state=state, entered=FAULT_AT + seconds) for state, seconds in ENTERED.items()],
    )


def incarnation(generation: int, **attributes: Any) -> dict[str, Any]:
    return {
        "managed_cluster": "a",
        "generation": generation,
        "id_prefix": 1000 + generation,
        "stack_name": f"dep-a-g{generation}",
        "availability_zone": "us-east-1a",
        "cluster_id": f"j-{generation}",
        "state": "serving" if generation == 2 else "retired",
        **attributes,
    }


def operation(name: str, **attributes: Any) -> dict[str, Any]:
    request = {"kind": "failover", "reason": "unhealthy"}
    return {"id": name, "managed_cluster": "a", "request": json.dumps(request), "outcome": "failed over", **attributes}


def look(at: float) -> dict[str, Any]:
    """What a prober saw of a dead primary."""
    dead = {"verdict": "unhealthy", "detail": "connection refused"}
    return {"observed_at": at, "observer": "prober:us-east-1a", "services": {"resource_manager": dead}}


class World:
    """A deployment after a failover that went well; a test spoils it."""

    def __init__(self) -> None:
        self.known = [
            incarnation(1, serving_from=ORIGIN + 700, serving_to=FAULT_AT + 570),
            incarnation(
                2, operation="o2", create_stack_at=FAULT_AT + 41, waiting_at=FAULT_AT + 495, serving_from=FAULT_AT + 570
            ),
        ]
        self.operations = [operation("o1", outcome="launched"), operation("o2")]
        self.ran = [execution("o1", started=ORIGIN, stopped=ORIGIN + 700), execution()]
        self.findings = Findings(asked=4, whole_rounds=1)
        self.inert_types = {"B", "A"}
        job = Job(key="k", seconds=1, fails=False, keeps_connection=False)
        done = Try(name="k-try1", id=1002000000, application="application_1_1", told="success", named={"k-try1"})
        self.jobs = [Progress(job=job, tries=[done])]
        self.ledger: list[Mapping[str, Any]] = [
            {"job": "k", "incarnation": "dep-a-g2", "application": "application_1_1", "at": 1.0, "event": "effect"}
        ]
        self.submissions = [
            Submission(at=FAULT_AT + at, answered=FAULT_AT + at + 1, accepted=accepted, status=201 if accepted else 502)
            for at, accepted in ((-10, True), (5, False), (588, True))
        ]

        self.guard = SimpleNamespace(checked=12)
        self.journal: list[dict[str, Any]] = [
            {"at": FAULT_AT, "kind": "notification", "subject": "dep: a failed over"},
            {"at": FAULT_AT, "kind": "metric", "name": "MonitorHeartbeat", "value": 1},
            {"at": FAULT_AT, "kind": "metric", "name": "Reconciled", "value": 1},
        ]
        self.struck = True
        self.seen = [look(FAULT_AT + seconds) for seconds in (10, 20, 30)]
        self.asked_for_evidence: tuple[int, float] | None = None
        self.config = SimpleNamespace(
            subnets=[SimpleNamespace(availability_zone=f"us-east-1{letter}") for letter in "abc"],
            managed_clusters=[SimpleNamespace(name="a")],
            balanced_target_group="arn:aws:elasticloadbalancing:us-east-1:123456789012:targetgroup/balanced/0123",
        )

    @property
    def clusters(self) -> World:
        return self

    def states(self) -> list[tuple[str, str, str, str | None, str]]:
        return [
            ("j-1", "dep-a-g1", "us-east-1a", None, "TERMINATED"),
            ("j-2", "dep-a-g2", "us-east-1b", None, "WAITING"),
        ]

    def timeline(self) -> Timeline:
        scene = Scene(
            stand_in=cast(Any, self),
            deployment=cast(Any, self),
            cluster_id="j-1",
            generation=1,
            managed_cluster="a",
            availability_zone="us-east-1a",
        )
        return Timeline(
            scene=scene if self.struck else None,
            fault_at=FAULT_AT,
            moments={Moment.CUT_OVER: FAULT_AT + 571},
            clusters_before=frozenset({"j-1"}),
            operations_before=frozenset({"o1"}),
        )

    def incarnations(self) -> list[dict[str, Any]]:
        return self.known

    def evidence_since(self, generation: int, at: float) -> list[dict[str, Any]]:
        self.asked_for_evidence = (generation, at)
        return self.seen

    def records(self, kind: str) -> list[dict[str, Any]]:
        assert kind == "operation"
        return self.operations

    def executions(self, machine: str) -> list[Execution]:
        assert machine == "operation"
        return self.ran

    def owner(self, batch_id: int) -> str | None:
        return f"dep-a-g{batch_id // 1_000_000 - 1000}"


@pytest.fixture
def world() -> World:
    return World()


def collected(world: World, folder: Path, stock: StockJudgement | None = None, **report: Any) -> Report:
    """The report of *world*; *stock* is what became of the jobs if stock clients ran them."""
    ledger = folder / "ledger.jsonl"
    ledger.write_text("".join(json.dumps(line) + "\n" for line in world.ledger))
    made = Report(**{"services": "simulated", "fault": "kill-primary", "speed": 5.0, "seed": 1, **report})
    collect(
        made,
        stand_in=cast(Any, world),
        deployment=cast(Any, world),
        submitter=cast(Any, world),
        findings=world.findings,
        ledger=ledger,
        fault=find(made.fault),
        timeline=world.timeline(),
        clock=Clock(speed=5, machine_origin=0, origin=ORIGIN),
        stock=stock,
    )
    return made


def test_a_good_failover_passes(world: World, tmp_path: Path) -> None:
    report = collected(world, tmp_path)

    assert (report.invariants_broken, report.complaints, report.passed) == ([], [], True)


def test_the_row_of_the_fault_is_judged(world: World, tmp_path: Path) -> None:
    row = collected(world, tmp_path).fault_row

    assert row is not None
    assert (row.name, row.held, row.did_not_hold) == ("kill-primary", True, [])


def test_after_several_things_in_a_row_no_one_of_them_is_measured(world: World, tmp_path: Path) -> None:
    """The phases of the first failover have nothing to do with the last submit that was refused."""
    world.submissions.append(Submission(at=FAULT_AT + 2000, answered=FAULT_AT + 2001, accepted=False, status=502))
    world.submissions.append(Submission(at=FAULT_AT + 2500, answered=FAULT_AT + 2501, accepted=True, status=201))
    report = collected(world, tmp_path, fault="in-a-row")

    assert (report.recovered, report.submits_again_seconds) == (True, 2501.0)
    assert (report.phases, report.recovery_seconds, report.invariants_broken) == ({}, None, [])


def test_what_stock_clients_do_to_themselves_is_reported_and_no_fault_of_the_system(
    world: World, tmp_path: Path
) -> None:
    counts = Counts(submitted=9, doubled=1, disturbed=2, resubmitted=2)
    report = collected(world, tmp_path, StockJudgement(counts=counts, complaints=["doubled: k"]))

    assert report.passed
    assert (report.jobs["doubled"], report.complaints) == (1, ["doubled: k"])


def test_a_stock_client_that_was_told_of_another_job_fails_the_drill(world: World, tmp_path: Path) -> None:
    report = collected(world, tmp_path, StockJudgement(counts=Counts(submitted=9, wrong=1)))

    assert "1 jobs wrong, there must be none" in report.why_failed


def test_a_row_that_did_not_hold_fails_the_drill(world: World, tmp_path: Path) -> None:
    report = collected(world, tmp_path, fault="kill-livy")

    assert not report.passed
    assert "0 clusters should be launched, 1 were: dep-a-g2" in report.why_failed


def test_a_drill_that_did_not_come_to_its_fault_has_no_row(world: World, tmp_path: Path) -> None:
    world.struck = False

    assert collected(world, tmp_path).fault_row is None


def test_what_people_were_told_is_reported(world: World, tmp_path: Path) -> None:
    assert collected(world, tmp_path).pages == ["dep: a failed over"]


def test_a_fence_limit_that_passed_is_told(world: World, tmp_path: Path) -> None:
    world.journal.append({"at": FAULT_AT, "kind": "metric", "name": "FenceOverdue", "value": 1})

    assert any("the fence limit passed" in why for why in collected(world, tmp_path).why_failed)


def test_a_fault_that_never_struck_fails_the_drill(world: World, tmp_path: Path) -> None:
    """Whatever came is no answer to it then."""
    world.seen.pop()

    report = collected(world, tmp_path)

    assert report.why_failed[1].startswith("the fault never struck: probers find that the ResourceManager does not")
    assert world.asked_for_evidence == (1, FAULT_AT)


def test_a_failover_that_nobody_was_told_of_fails_the_drill(world: World, tmp_path: Path) -> None:
    world.journal.clear()

    assert any("by a message" in why for why in collected(world, tmp_path).why_failed)


def test_a_monitor_that_is_silent_for_three_minutes_fails_the_drill(world: World, tmp_path: Path) -> None:
    beat = {"kind": "metric", "name": "MonitorHeartbeat", "value": 1}
    world.journal += [{**beat, "at": FAULT_AT + at} for at in (10, 290)]

    assert any("missing MonitorHeartbeat" in why for why in collected(world, tmp_path).why_failed)


def test_jobs_of_what_never_served_fail_the_drill(world: World, tmp_path: Path) -> None:
    world.known.append(incarnation(3, state="retired"))
    world.submissions[-1] = replace(world.submissions[-1], id=1003000000)

    assert any("1 jobs went to incarnations that were given up" in why for why in collected(world, tmp_path).why_failed)


def test_where_the_new_one_serves_is_judged(world: World, tmp_path: Path) -> None:
    world.known[1]["availability_zone"] = "us-east-1b"
    why = collected(world, tmp_path, fault="no-capacity-one-az").why_failed

    assert "what serves should be in us-east-1c, it is in us-east-1b" in why


def test_where_livy_was_mended_nothing_adds_up_to_the_recovery(world: World, tmp_path: Path) -> None:
    """Jobs are accepted before the operation knows that it has mended it."""
    entered = {"Claim": 30.0, "Repair": 34.0, "Repaired": 95.0}
    states = [StateEntry(state=state, entered=FAULT_AT + seconds) for state, seconds in entered.items()]
    world.ran[1] = replace(world.ran[1], states=states)
    world.operations[1]["outcome"] = "repaired"

    report = collected(world, tmp_path, fault="kill-livy")

    assert report.phases == {"detect": 30.0, "decide": 65.0}
    assert report.recovered
    assert not any("add up" in one for one in report.invariants_broken)


def test_where_livy_lives_nothing_adds_up_to_the_recovery(world: World, tmp_path: Path) -> None:
    """Jobs are accepted all the time; when the next one comes is chance."""
    world.submissions = [one for one in world.submissions if one.accepted]
    recovers_at(world, 300)

    assert collected(world, tmp_path, fault="kill-namenode").invariants_broken == []


def test_a_submit_whose_job_went_down_with_its_cluster_is_no_recovery(world: World, tmp_path: Path) -> None:
    taken = Submission(at=FAULT_AT + 5, answered=FAULT_AT + 6, accepted=True, status=201, name="l-try1")
    world.submissions.insert(1, taken)
    job = Job(key="l", seconds=1, fails=False, keeps_connection=False)
    world.jobs.append(Progress(job=job, tries=[Try(name="l-try1", id=1001000009, told="failure", named={"l-try1"})]))

    assert collected(world, tmp_path, fault="kill-namenode").recovery_seconds == 589.0


def test_phases_begin_at_the_fault_and_come_from_the_machines_history(world: World, tmp_path: Path) -> None:
    assert collected(world, tmp_path).phases == {
        "detect": 30.0,
        "decide": 10.0,
        "launch": 460.0,
        "verify": 60.0,
        "cut_over": 30.0,
    }


def test_recovery_is_by_the_submitters_log(world: World, tmp_path: Path) -> None:
    assert collected(world, tmp_path).recovery_seconds == 589.0


@pytest.mark.parametrize("fault", ["kill-primary", "none"])
def test_what_became_of_submits_is_told_for_every_fault(world: World, tmp_path: Path, fault: str) -> None:
    report = collected(world, tmp_path, fault=fault)

    assert (report.submits_refused, report.submits_again_seconds) == (1, 589.0)


def test_submits_that_are_refused_to_the_end_never_came_back(world: World, tmp_path: Path) -> None:
    world.submissions = world.submissions[:-1]

    assert collected(world, tmp_path).submits_again_seconds is None


def test_overhead_is_recovery_without_the_launch_of_the_incarnation_that_took_over(
    world: World, tmp_path: Path
) -> None:
    report = collected(world, tmp_path)

    assert (report.emr_launch_seconds, report.overhead_seconds) == (454.0, 135.0)


def test_what_stood_by_before_the_fault_had_nothing_to_launch(world: World, tmp_path: Path) -> None:
    """What took over was up when the fault struck: all of the recovery is ours."""
    world.known[1].update(create_stack_at=FAULT_AT - 900.0, waiting_at=FAULT_AT - 400.0)

    report = collected(world, tmp_path)

    assert (report.emr_launch_seconds, report.overhead_seconds) == (0.0, report.recovery_seconds)


def test_times_of_incarnations_count_from_the_beginning_of_the_drill(world: World, tmp_path: Path) -> None:
    first = collected(world, tmp_path).incarnations[0]

    assert (first.serving_from, first.serving_to) == (700.0, 1470.0)
    assert (first.first_id, first.last_id) == (1001000000, 1001999999)


def test_operations_are_told_with_kind_reason_and_outcome(world: World, tmp_path: Path) -> None:
    last = collected(world, tmp_path).operations[-1]

    assert (last.kind, last.reason, last.outcome) == ("failover", "unhealthy", "failed over")
    assert last.phases["launch"] == 460.0


def test_jobs_are_judged_by_the_ledger(world: World, tmp_path: Path) -> None:
    world.ledger = []

    report = collected(world, tmp_path)

    assert report.jobs["wrong"] == 1
    assert not report.passed


def test_application_ids_are_those_that_clients_saw(world: World, tmp_path: Path) -> None:
    assert collected(world, tmp_path).applications == {"k-try1": "application_1_1"}


def test_inert_types_are_sorted(world: World, tmp_path: Path) -> None:
    assert collected(world, tmp_path).inert_types == ["A", "B"]


def test_a_wrong_owner_is_a_broken_invariant(world: World, tmp_path: Path) -> None:
    world.findings.complaints.append("id 1 was answered by another")

    assert "id 1 was answered by another" in collected(world, tmp_path).invariants_broken


def test_a_failover_that_failed_is_no_recovery(world: World, tmp_path: Path) -> None:
    world.operations[-1]["outcome"] = "failed"

    report = collected(world, tmp_path)

    assert (report.recovered, report.recovery_seconds) == (False, None)


def test_an_operation_from_before_the_fault_answers_nothing(world: World, tmp_path: Path) -> None:
    world.ran[-1] = execution(started=FAULT_AT - 1)

    assert not collected(world, tmp_path).recovered


def test_without_an_accepted_submit_nothing_recovered(world: World, tmp_path: Path) -> None:
    world.submissions = world.submissions[:2]

    assert not collected(world, tmp_path).recovered


def test_with_nothing_broken_a_submit_is_enough(world: World, tmp_path: Path) -> None:
    world.ran = world.ran[:1]

    report = collected(world, tmp_path, fault="none")

    assert (report.recovered, report.phases) == (True, {})


def recovers_at(world: World, seconds: float) -> None:
    world.submissions[-1] = Submission(
        at=FAULT_AT + seconds - 1, answered=FAULT_AT + seconds, accepted=True, status=201
    )


@pytest.mark.parametrize(("seconds", "sound"), [(585.0, True), (595.0, True), (596.0, False), (584.0, False)])
def test_two_sources_must_agree_on_how_long_it_took(world: World, tmp_path: Path, seconds: float, sound: bool) -> None:
    recovers_at(world, seconds)

    assert (collected(world, tmp_path).invariants_broken == []) is sound


def test_at_a_high_speed_half_a_machine_second_is_allowed(world: World, tmp_path: Path) -> None:
    recovers_at(world, 600)

    assert collected(world, tmp_path, speed=25.0).invariants_broken == []


def test_a_controller_that_died_may_say_later_that_it_moved_the_traffic(world: World, tmp_path: Path) -> None:
    recovers_at(world, 500)

    assert collected(world, tmp_path, fault="controller-crash-cut-over").invariants_broken == []


@pytest.mark.parametrize(("fault", "sound"), [("kill-primary", False), ("az-blackhole", True)])
def test_a_client_may_try_a_dead_address_first(world: World, tmp_path: Path, fault: str, sound: bool) -> None:
    """Which takes its socket's limit of 5 s, on the machine's clock."""
    recovers_at(world, 618)

    found = collected(world, tmp_path, fault=fault).invariants_broken
    assert (not any("add up" in one for one in found)) is sound


@pytest.mark.parametrize(
    ("begins", "ends", "accepted", "late"),
    [
        (580, 612, False, 22.0),
        (580, 612, True, 0),  # it was the recovery itself
        (591, 612, False, 0),  # sent after the cut-over
        (580, 590, False, 0),  # over by then
    ],
)
def test_a_client_that_waits_for_a_dead_cluster_learns_of_the_cut_over_late(
    begins: float, ends: float, accepted: bool, late: float
) -> None:
    sent = [Submission(at=begins, answered=ends, accepted=accepted, status=504)]

    assert under_way(sent, 590) == late


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"id_prefix": 1001}, "share an id range"),
        ({"generation": 1}, "a generation was used twice"),
        ({"stack_name": "dep-a-g1"}, "two stacks for a generation"),
        ({"state": "retired"}, "one incarnation of a should be in service at the end, the record has []"),
    ],
)
def test_what_may_never_be_twice_or_never_is_told(world: World, change: dict[str, Any], words: str) -> None:
    world.known[1].update(change)

    (found,) = broken(world)
    assert words in found


def broken(world: World, **other: Any) -> list[str]:
    """What is broken in *world*."""
    of_a = {one.name: "a" for one in world.ran}
    return broken_invariants(
        incarnations=world.known,
        executions=world.ran,
        **{"managed_cluster_of": of_a, "managed_clusters": ["a"], **other},
    )


def test_two_in_service_are_told(world: World) -> None:
    world.known[0]["state"] = "serving"

    assert "the record has [1, 2]" in broken(world)[0]


@pytest.mark.parametrize("stopped", [None, FAULT_AT + 30])
def test_operations_at_the_same_time_are_told(world: World, stopped: float | None) -> None:
    """One at a time (A14: no lock)."""
    world.ran[0] = execution("o1", started=ORIGIN, stopped=stopped)

    world.ran.reverse()

    assert broken(world) == ["operations o1 and o2 ran at the same time"]


@pytest.mark.parametrize(("status", "found"), [("ABORTED", 0), ("SUCCEEDED", 1)])
def test_the_launch_of_a_standby_gives_way(world: World, status: str, found: int) -> None:
    """Whoever comes begins by stopping it."""
    name = "a-standby-20261121t031025"
    launch = replace(execution("o1", started=ORIGIN, stopped=FAULT_AT + 30), name=name, status=status)
    world.ran[0] = launch

    assert len(broken(world, managed_cluster_of={name: "a", "o2": "a"})) == found


def test_one_stands_by_in_another_availability_zone() -> None:
    serving = {"state": "serving", "generation": 2, "availability_zone": "us-east-1b"}
    standby = {"state": "standby", "generation": 3, "availability_zone": "us-east-1c"}

    assert broken_standbys([serving, standby]) == []
    assert "the record has []" in broken_standbys([serving])[0]
    assert "the record has [3, 3]" in broken_standbys([serving, standby, standby])[0]
    assert "beside what serves" in broken_standbys([serving, {**standby, "availability_zone": "us-east-1b"}])[0]


def test_operations_of_two_managed_clusters_may_run_at_the_same_time(world: World) -> None:
    """A2."""
    world.ran[0] = execution("o1", started=ORIGIN, stopped=None)

    assert broken(world, managed_cluster_of={"o1": "a", "o2": "b"}) == []


def test_each_managed_cluster_has_one_incarnation_in_service(world: World) -> None:
    """A2."""
    assert broken(world, managed_clusters=["a", "b"]) == [
        "one incarnation of b should be in service at the end, the record has []"
    ]


# Where another managed cluster serves on.


def of_two(world: World) -> World:
    """The same failover, beside managed cluster ``b``."""
    world.config.managed_clusters.append(SimpleNamespace(name="b"))
    world.known.append(incarnation(3, managed_cluster="b", stack_name="dep-b-g3", state="serving"))
    return world


def sent(at: float, batch: int | None) -> Submission:
    """A submit that the cluster of *batch* took within a second; refused if ``None``."""
    taken = batch is not None
    return Submission(
        at=FAULT_AT + at, answered=FAULT_AT + at + 1, accepted=taken, status=201 if taken else 502, id=batch
    )


@pytest.mark.parametrize(
    ("submissions", "isolated"),
    [
        ([(2, 1003000001), (4, 1001000009), (60, 1003000002), (62, 1003000003)], 61.0),
        ([(2, None), (4, 1003000001)], 5.0),
        ([(2, 1003000001)], 0.0),
        ([(2, 1003000001), (4, 1001000009)], None),
    ],
    ids=["until none goes there", "until none is refused", "none ever did", "the last one did"],
)
def test_a_sick_half_is_isolated_when_no_new_job_goes_there(
    world: World, tmp_path: Path, submissions: list[tuple[float, int | None]], isolated: float | None
) -> None:
    """A2: by the clients' log alone."""
    of_two(world).submissions = [sent(at, batch) for at, batch in submissions]

    assert collected(world, tmp_path).isolated_seconds == isolated


def test_redundancy_is_back_with_the_cut_over(world: World, tmp_path: Path) -> None:
    """A2: recovery is not the sum of the phases then, and no overhead is counted."""
    report = collected(of_two(world), tmp_path)

    assert report.redundancy_seconds == 590.0
    assert (report.overhead_seconds, report.managed_clusters) == (None, 2)


def test_one_managed_cluster_has_no_redundancy(world: World, tmp_path: Path) -> None:
    report = collected(world, tmp_path)

    assert (report.isolated_seconds, report.redundancy_seconds) == (None, None)


def test_a_call_that_a_role_does_not_allow_fails_the_drill(world: World, tmp_path: Path) -> None:
    """B8: least privilege must not cost what is needed; what IAM refused belongs to no fault."""
    what = {"role": "failover", "action": "sns:Publish", "resource": "arn:topic", "why": "no policy allows it"}
    world.journal += [{"at": FAULT_AT, "kind": "call refused", **what}] * 2

    report = collected(world, tmp_path)

    assert report.permissions_checked == 12
    assert report.invariants_broken == ["the role failover may not sns:Publish on arn:topic: no policy allows it"]
    assert not report.passed
