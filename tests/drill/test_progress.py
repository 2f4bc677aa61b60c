"""What a person sees while a drill runs."""

from __future__ import annotations

import io
import json
import threading
from typing import Any, cast

import pytest
from rich.console import Console
from rich.text import Text

from emr_drill import progress as module
from emr_drill.clock import Clock
from emr_drill.jobs.plan import Job
from emr_drill.jobs.submitter import Progress as JobProgress
from emr_drill.jobs.submitter import Submission, Try
from emr_drill.progress import Progress, Story, job_footer


def clock() -> Clock:
    """One at which a real second of the test is nothing."""
    return Clock.start(speed=1e-6)


@pytest.fixture
def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def shown(console: Console) -> list[str]:
    """The lines that were printed."""
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue().splitlines()


def test_a_line_says_when_who_and_what(console: Console) -> None:
    Progress(console=console, clock=clock()).line("fault", "kill-primary")

    assert shown(console)[0].split() == ["+0", "s", "fault", "kill-primary"]


def test_brackets_in_a_line_are_text(console: Console) -> None:
    Progress(console=console, clock=clock()).line("stack", "failed: [bold] reason")

    assert "[bold] reason" in shown(console)[0]


def test_quiet_means_no_lines(console: Console) -> None:
    Progress(console=console, clock=clock(), quiet=True).line("drill", "something")

    assert shown(console) == []


def test_watchers_look_again_and_again(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    looks, enough = [], threading.Event()

    def look() -> None:
        looks.append(1)
        if len(looks) == 3:
            enough.set()

    with Progress(console=console, clock=clock()) as progress:
        progress.watch(look)
        assert enough.wait(20)


def test_a_watcher_that_fails_says_so_and_the_others_go_on(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    looked = threading.Event()

    def fail() -> None:
        raise OSError("on purpose")

    with Progress(console=console, clock=clock()) as progress:
        progress.watch(fail)
        progress.watch(looked.set)
        assert looked.wait(20)

    assert "(cannot look: OSError: on purpose)" in shown(console)[0]


def test_a_terminal_has_a_footer_that_goes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.001)
    terminal = Console(file=io.StringIO(), width=80, force_terminal=True)
    asked = threading.Event()

    def footer() -> Text:
        asked.set()
        return Text("3 running")

    with Progress(console=terminal, clock=clock()) as progress:
        progress.footer(footer)
        assert asked.wait(20)

    assert not terminal._live_stack


class Deployment:
    """A record and evidence that a test changes between looks."""

    def __init__(self) -> None:
        self.operations: list[dict[str, Any]] = []
        self.known: list[dict[str, Any]] = []
        self.seen: dict[int, list[dict[str, Any]]] = {}

    def records(self, kind: str) -> list[dict[str, Any]]:
        assert kind == "operation"
        return self.operations

    def incarnations(self) -> list[dict[str, Any]]:
        return self.known

    def evidence(self, generation: int) -> list[dict[str, Any]]:
        return self.seen.get(generation, [])


@pytest.fixture
def story(console: Console) -> Story:
    return Story(progress=Progress(console=console, clock=clock()))


@pytest.fixture
def deployment() -> Deployment:
    return Deployment()


def told(story: Story, deployment: Deployment, console: Console) -> list[str]:
    """The words of the lines after one more look."""
    before = len(shown(console))
    story.record(cast(Any, deployment))
    return [" ".join(line.split()[2:]) for line in shown(console)[before:]]


def operation(**attributes: Any) -> dict[str, Any]:
    request = {"kind": "failover", "reason": "unhealthy"}
    return {"id": "o1", "managed_cluster": "a", "request": json.dumps(request), **attributes}


def test_the_state_of_a_cluster_is_told_once(story: Story, console: Console) -> None:
    cluster = ("j-1", "dep-a-g1", "us-east-1a", "127.12.1.10", "RUNNING")
    story.clusters([cluster])
    story.clusters([cluster])
    story.clusters([(*cluster[:4], "WAITING")])

    assert [line.split()[-1] for line in shown(console)] == ["RUNNING", "WAITING"]
    assert "dep-a-g1 (j-1, us-east-1a, 127.12.1.10)" in shown(console)[0]


def test_a_cluster_without_an_address_is_shown_with_its_az(story: Story, console: Console) -> None:
    story.clusters([("j-1", "dep-a-g1", "us-east-1a", None, "STARTING")])

    assert "dep-a-g1 (j-1, us-east-1a): STARTING" in shown(console)[0]


def test_each_notice_is_told_once(story: Story, console: Console) -> None:
    journal: list[dict[str, Any]] = [{"kind": "target_health"}, {"kind": "notification", "subject": "a launched"}]
    story.notices(journal)
    journal.append({"kind": "notification", "subject": "a launched"})
    story.notices(journal)

    assert [" ".join(line.split()[2:]) for line in shown(console)] == ["notice a launched"] * 2


def test_an_operation_is_told_step_by_step(story: Story, deployment: Deployment, console: Console) -> None:
    deployment.operations = [operation(entered={"Claim": 1.0})]
    assert told(story, deployment, console) == ["controller failover of a (unhealthy): Claim"]
    assert told(story, deployment, console) == []

    deployment.operations = [operation(entered={"Launch": 5.0, "Claim": 1.0})]
    assert told(story, deployment, console) == ["controller failover of a (unhealthy): Launch"]

    deployment.operations = [operation(entered={"CutOver": 9.0}, outcome="failed over", message="generation 2 serves")]
    assert told(story, deployment, console) == [
        "controller failover of a (unhealthy): failed over. generation 2 serves"
    ]


def test_a_retirement_names_its_generation(story: Story, deployment: Deployment, console: Console) -> None:
    deployment.operations = [
        {"id": "r", "request": json.dumps({"retirement": "r", "generation": 1}), "entered": {"Drain": 1}}
    ]

    assert told(story, deployment, console) == ["controller retirement of generation 1: Drain"]


def incarnation(state: str) -> dict[str, Any]:
    return {"id": "g000001", "generation": 1, "availability_zone": "us-east-1a", "state": state}


def seen(verdict: str, detail: str = "") -> dict[str, Any]:
    return {"observer": "prober:us-east-1b", "services": {"livy": {"verdict": verdict, "detail": detail}}}


def test_probers_are_told_when_they_change_their_mind(story: Story, deployment: Deployment, console: Console) -> None:
    deployment.known = [incarnation("serving")]
    deployment.seen[1] = [seen("healthy")]
    assert told(story, deployment, console) == [
        "controller generation 1 in us-east-1a: serving",
        "prober prober:us-east-1b on generation 1: all services healthy",
    ]

    deployment.seen[1] = [seen("healthy"), seen("unhealthy", "connection refused")]
    assert told(story, deployment, console) == ["prober prober:us-east-1b on generation 1: livy connection refused"]
    assert told(story, deployment, console) == []


def test_nobody_looks_at_a_retired_incarnation(story: Story, deployment: Deployment, console: Console) -> None:
    deployment.known = [incarnation("retired")]
    deployment.seen[1] = [seen("unhealthy", "connection refused")]

    assert told(story, deployment, console) == ["controller generation 1 in us-east-1a: retired"]


class Submitter:
    """One job that waits, one that runs, one that ended, and a submit that was refused."""

    def __init__(self) -> None:
        job = Job(key="k", seconds=1, fails=False, keeps_connection=False)
        self.jobs = [
            JobProgress(job=job),
            JobProgress(job=job, tries=[Try(name="k", id=1, application="application_1")]),
            JobProgress(job=job, tries=[Try(name="k", id=2, told="success")]),
        ]
        self.submissions = [
            Submission(at=1, answered=1, accepted=accepted, status=201 if accepted else 502)
            for accepted in (True, False)
        ]
        self.waiting, self.running = 1, 1


def test_the_footer_counts_jobs() -> None:
    found = job_footer(cast(Any, Submitter()), clock()).plain

    assert "3 asked for, 1 waiting for the front door, 1 running, 1 ended; 1 submits refused" in found
