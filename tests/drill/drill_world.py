"""What a drill starts, replaced: a stand-in, the deployment in it, its clients and its watch, in one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

from emr_drill.errors import DrillError
from emr_drill.jobs.plan import Job
from emr_drill.owners import Findings
from emr_drill.report import Report
from emr_drill.stand_in.assembly import ResourceEvent

from .test_report import COUNTS


class World:
    """A stand-in, the deployment in it and what happens there, in one; a test changes it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.endpoint = "http://127.0.0.1:1"
        self.journal: list[dict[str, Any]] = []
        self.config = SimpleNamespace(
            front_door_host="door",
            front_door_name="",
            front_door_scheme="http",
            front_door_port=8998,
            managed_clusters=["a"],
        )
        self.clusters = self
        self.load_balancers = self
        self.incarnation_states = {1: "serving"}
        self.operation_before = {"id": "a-launch", "outcome": "launched"}
        self.outcomes: list[dict[str, Any]] = []
        self.recovers = True
        self.on_deploy: Callable[[], None] = lambda: None
        self.arguments: dict[str, Any] = {}
        self.jobs: list[Any] = []
        self.added: list[int] = []
        self.submissions: list[Any] = []
        self.findings = Findings()
        self.watch_failure: Exception | None = None

    # StandIn

    def stand_in(self, **arguments: Any) -> Self:
        self.arguments = arguments
        return self

    def __enter__(self) -> Self:
        self.log.append("started")
        return self

    def __exit__(self, *_: object) -> None:
        self.log.append("stopped")

    # What the stand-in and its parts are asked

    def kill_primary(self, cluster_id: str) -> None:
        self.log.append(f"killed {cluster_id}")
        if self.recovers:
            self.incarnation_states = {1: "retired", 2: "serving"}
            self.outcomes = [{"id": "a-failover", "outcome": "failed over"}]

    def states(self) -> list[tuple[str, str, str, str | None, str]]:
        """Clusters, as the stand-in's EMR tells of them."""
        return [
            (f"j-{number}", f"dep-a-g{number}", "us-east-1a", None, "TERMINATED" if state == "retired" else "WAITING")
            for number, state in self.incarnation_states.items()
        ]

    def settled_at(self, *, kind: str) -> float:
        return float("-inf")

    def applications_running(self, owner: str) -> bool:
        return owner == "dep-a-g2"

    # there_already.make, assembly.deploy

    def there_already(self, stand_in: object, assembly: Path, *, stack: str, say: Callable[[str], None]) -> None:
        assert stack == "Platform"

    def deploy(
        self, stand_in: object, assembly: Path, *, stacks: Sequence[str], on_event: Callable[[ResourceEvent], None]
    ) -> None:
        self.log.append(f"deployed {' '.join(stacks)} of {assembly.name}")
        self.on_deploy()

    # Deployment

    def deployment(self, *, stand_in: object, name: str) -> Self:
        assert name in ("dep-active-passive", "dep-active-active")
        return self

    def incarnations(self) -> list[dict[str, Any]]:
        return [
            {
                "generation": generation,
                "state": state,
                "managed_cluster": "a",
                "availability_zone": f"us-east-1{' abc'[generation]}",
                "cluster_id": f"j-{generation}",
                "stack_name": f"dep-a-g{generation}",
                "canary_id": generation * 100,
                "canary_name": f"canary-g{generation}",
            }
            for generation, state in self.incarnation_states.items()
        ]

    def records(self, kind: str) -> list[dict[str, Any]]:
        return [self.operation_before, *self.outcomes]

    def owner(self, batch_id: int) -> str | None:
        return {1: "dep-a-g1", 2: "dep-a-g2"}.get(batch_id // 100)

    def front_door_addresses(self) -> list[str]:
        return ["127.94.1.3"]

    def load_balancer_nodes(self) -> list[str]:
        return ["127.94.1.2"]

    # Submitter

    def submitter(self, **arguments: Any) -> Self:
        return self

    def start(self) -> None:
        self.log.append("submitting or watching")

    def stop(self) -> None:
        self.log.append("ended submitting or watching")

    def add(self, jobs: Iterable[Job]) -> None:
        jobs = list(jobs)
        self.added.append(len(jobs))
        self.jobs += [SimpleNamespace(job=job, finished=True, tries=[]) for job in jobs]

    def idle(self) -> bool:
        return True

    waiting, running, open_polls = 0, 6, 4

    # OwnerWatch

    def watch(self, **arguments: Any) -> Self:
        self.watching = arguments
        return self

    def finish(self) -> None:
        self.log.append("asked for every id once more")
        if self.watch_failure:
            raise self.watch_failure

    # collect

    def collect(self, report: Report, **arguments: Any) -> None:
        self.collected = arguments
        report.recovered = not report.problem
        self.timeline = arguments["timeline"]
        report.jobs = dict(COUNTS)


class Primaries:
    """Machines that are never made."""

    def __init__(self) -> None:
        self.missing: DrillError | None = None

    def check(self) -> None:
        if self.missing:
            raise self.missing

    def create(self, plan: object) -> Any:
        raise AssertionError("no cluster is launched in these tests")
