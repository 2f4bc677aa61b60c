"""YARN applications, and their JSON as the ResourceManager's web services write it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """YARN's application states that the simulation goes through."""

    ACCEPTED = "ACCEPTED"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    KILLED = "KILLED"


ENDED = frozenset({State.FINISHED, State.KILLED})
FINAL_STATUS = {State.ACCEPTED: "UNDEFINED", State.RUNNING: "UNDEFINED", State.KILLED: "KILLED"}
CONTAINERS, MEMORY_MIB, CORES = 2, 2048, 2
FAILURE_TEXT = "User application exited with status 1"


@dataclass(slots=True, kw_only=True)
class Application:
    """One application.

    Attributes:
        id: ``application_<start of the ResourceManager>_<number>``.
        name: the batch's name.
        tags: Livy's tag, by which it finds the application.
        file: URI of the job's file.
        arguments: the job's arguments.
        submitted_at: when Livy took the batch, simulated seconds since 1970.
        started: simulated seconds since 1970.
        exit_code: of the driver, once it ended.
    """

    id: str
    name: str
    tags: str
    file: str
    arguments: list[str] = field(default_factory=list)
    submitted_at: float = 0.0
    started: float = 0.0
    launched: float = 0.0
    finished: float = 0.0
    state: State = State.ACCEPTED
    exit_code: int | None = None

    @property
    def ended(self) -> bool:
        """Whether nothing of it runs any more."""
        return self.state in ENDED

    @property
    def final_status(self) -> str:
        """YARN's final status; a Spark job that ended with an error is FINISHED and FAILED."""
        if self.state is State.FINISHED:
            return "FAILED" if self.exit_code else "SUCCEEDED"
        return FINAL_STATUS[self.state]

    @property
    def diagnostics(self) -> str:
        """Why it ended badly, if it did."""
        if self.state is State.KILLED:
            return f"Application {self.id} was killed by user dr.who"
        return FAILURE_TEXT if self.final_status == "FAILED" else ""

    def to_json(self, *, address: str, port: int, now: float) -> dict[str, Any]:
        """An item of ``/ws/v1/cluster/apps``."""
        used = 1 if self.state is State.RUNNING else -1
        return {
            "id": self.id,
            "user": "livy",
            "name": self.name,
            "queue": "default",
            "state": str(self.state),
            "finalStatus": self.final_status,
            "progress": 100.0 if self.ended else 10.0,
            "trackingUI": "History" if self.ended else "ApplicationMaster",
            "trackingUrl": f"http://{address}:{port}/proxy/{self.id}/",
            "diagnostics": self.diagnostics,
            "clusterId": int(self.id.split("_")[1]),
            "applicationType": "SPARK",
            "applicationTags": self.tags,
            "priority": 0,
            "startedTime": round(self.started * 1000),
            "launchTime": round(self.launched * 1000),
            "finishedTime": round(self.finished * 1000),
            "elapsedTime": round(((self.finished or now) - self.started) * 1000),
            "amContainerLogs": f"http://{address}:8042/node/containerlogs/{self.container}/livy",
            "amHostHttpAddress": f"{address}:8042",
            "masterNodeId": f"{address}:8041",
            "allocatedMB": MEMORY_MIB if used > 0 else -1,
            "allocatedVCores": CORES if used > 0 else -1,
            "reservedMB": 0 if used > 0 else -1,
            "reservedVCores": 0 if used > 0 else -1,
            "runningContainers": CONTAINERS if used > 0 else -1,
            "memorySeconds": 0,
            "vcoreSeconds": 0,
            "queueUsagePercentage": 0.0,
            "clusterUsagePercentage": 0.0,
            "preemptedResourceMB": 0,
            "preemptedResourceVCores": 0,
            "numNonAMContainerPreempted": 0,
            "numAMContainerPreempted": 0,
            "logAggregationStatus": "DISABLED",
            "unmanagedApplication": False,
            "amNodeLabelExpression": "",
        }

    @property
    def container(self) -> str:
        """Id of the driver's container."""
        return f"{self.id.replace('application', 'container')}_01_000001"
