"""What a report of the baseline is put together from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import pytest

from emr_drill.baseline import report as reports
from emr_drill.baseline.schedule import Runs
from emr_drill.baseline.script import Replacement
from emr_drill.clock import Clock
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress, Submission, Try
from emr_drill.report import Report
from emr_drill.stand_in.emr import ClusterSeen

from .test_homes import took

ORIGIN = 1_000_000.0
FAULT_AT = ORIGIN + 700


class World:
    """Clusters and a submitter, in one; a test changes it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lives = {
            "j-1": [("STARTING", 0.0), ("WAITING", 500.0), ("TERMINATING", 900.0), ("TERMINATED", 960.0)],
            "j-2": [("STARTING", 730.0), ("RUNNING", 1200.0), ("WAITING", 1210.0), ("RUNNING", 1300.0)],
        }
        job = Job(key="k", seconds=1, fails=False, keeps_connection=False)
        lost = Try(name="k-try1", id=0, application="application_1_1", told="gone", told_at=ORIGIN + 1000)
        lost.named = {"k-try1"}
        done = Try(name="k-try2", id=0, application="application_2_1", told="success", told_at=ORIGIN + 1100)
        done.named = {"k-try2"}
        self.jobs = [Progress(job=job, tries=[lost, done])]
        self.submissions = [
            self.submit(-10, True, "k-try1"),
            self.submit(50, False, "k-try2"),
            self.submit(310, True, "k-try2"),
        ]
        self.ledger: list[dict[str, Any]] = [self.wrote("g2", 1090)]
        self.runs = Runs(
            replacements=[
                Replacement(began=FAULT_AT + 30, why="Livy did not answer", old="j-1", new="j-2", ended=FAULT_AT + 230)
            ]
        )
        took(folder / "clusters", "j-1", (0, "k-try1"), (4, "other"))
        took(folder / "clusters", "j-2", (0, "k-try2"))

    @staticmethod
    def submit(at: float, accepted: bool, name: str) -> Submission:
        at += FAULT_AT
        return Submission(at=at, answered=at + 1, accepted=accepted, status=201 if accepted else 0, name=name)

    @staticmethod
    def wrote(cluster: str, at: float) -> dict[str, Any]:
        return {"job": "k", "incarnation": cluster, "application": "a", "at": ORIGIN + at, "event": "effect"}

    def states(self) -> list[ClusterSeen]:
        zones = {"j-1": "us-east-1a", "j-2": "us-east-1b"}
        return [
            ClusterSeen(one, f"g{number}", zones[one], "127.0.0.1", history[-1][0])
            for number, (one, history) in enumerate(self.lives.items(), start=1)
        ]

    def history(self, cluster_id: str) -> list[tuple[str, float]]:
        return [(state, ORIGIN + at) for state, at in self.lives[cluster_id]]

    def report(self, **given: Any) -> Report:
        """The report of this world."""
        (self.folder / reports.LEDGER_FILE).write_text("".join(json.dumps(line) + "\n" for line in self.ledger))
        made = Report(baseline="script", services="simulated", fault="hang-livy", speed=5, seed=1, **given)
        reports.fill(
            made,
            runs=self.runs,
            submitter=cast(Any, self),
            clusters=cast(Any, self),
            workdir=self.folder,
            fault_at=FAULT_AT,
            clock=Clock(speed=5, machine_origin=0, origin=ORIGIN),
        )
        return made


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_jobs_are_judged_by_the_cluster_that_took_them(world: World) -> None:
    counts = world.report().jobs

    assert (counts["lost"], counts["resubmitted"], counts["succeeded"], counts["wrong"]) == (1, 1, 1, 0)


def test_the_same_id_on_two_clusters_is_told_apart(world: World) -> None:
    """The second try's success needs an effect on the cluster that took it; the first one's is no proof."""
    world.ledger = [world.wrote("g1", 890)]

    assert world.report().jobs["wrong"] == 1


def test_a_404_of_a_cluster_that_was_gone_is_a_lost_job(world: World) -> None:
    world.ledger.append(world.wrote("g1", 890))
    counts = world.report().jobs

    assert (counts["lost"], counts["disturbed"], counts["repeated"]) == (1, 0, 1)


def test_recovery_is_by_the_clients_log(world: World) -> None:
    report = world.report()

    assert (report.recovered, report.recovery_seconds, report.submits_again_seconds) == (True, 311.0, 311.0)
    assert report.submits_refused == 1


def test_a_submit_that_was_taken_and_lost_is_no_recovery(world: World) -> None:
    world.submissions[0] = world.submit(5, True, "k-try1")
    del world.submissions[1]

    assert world.report().submits_again_seconds == 311.0


def test_no_submit_accepted_is_no_recovery(world: World) -> None:
    world.submissions = world.submissions[:2]
    report = world.report()

    assert (report.recovered, report.recovery_seconds) == (False, None)


def test_a_drill_with_a_problem_did_not_recover(world: World) -> None:
    assert not world.report(problem="waited in vain").recovered


def test_replacements_are_told_with_their_times(world: World) -> None:
    (done,) = world.report().operations

    assert (done.kind, done.reason, done.outcome) == ("replacement", "Livy did not answer", "swapped")
    assert done.phases == {"detect": 30.0, "replace": 200.0}


def test_every_cluster_is_told_and_all_of_them_count_from_zero(world: World) -> None:
    first, second = world.report().incarnations

    assert (first.generation, first.availability_zone, first.first_id, first.last_id) == (1, "us-east-1a", 0, 4)
    assert (first.serving_from, first.serving_to, first.end) == (500.0, 900.0, "TERMINATED")
    assert (second.generation, second.first_id, second.last_id, second.serving_from) == (2, 0, 0, 1210.0)


def test_the_launch_is_emrs(world: World) -> None:
    assert world.report().emr_launch_seconds == 480.0


def test_runs_that_ended_early_are_complaints(world: World) -> None:
    world.runs.failures.append("refused")

    assert "a run of the script ended early: refused" in world.report().complaints


def test_applications_are_those_that_clients_saw(world: World) -> None:
    assert world.report().applications == {"k-try1": "application_1_1", "k-try2": "application_2_1"}
