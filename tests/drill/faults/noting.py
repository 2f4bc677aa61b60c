"""A scene that notes what is done to it."""

from __future__ import annotations

from typing import Any

from dr_core.config import SubnetChoice
from emr_drill.faults.scene import Scene


class Noting:
    """Whatever is called on it, at any depth, is noted with its arguments."""

    def __init__(self, calls: list[tuple[Any, ...]], path: str = "") -> None:
        self._calls = calls
        self._path = path

    def __getattr__(self, name: str) -> Noting:
        return Noting(self._calls, f"{self._path}.{name}".lstrip("."))

    def __call__(self, *arguments: Any, **named: Any) -> Noting:
        self._calls.append((self._path, *arguments, *sorted(named.items())))
        return self


class Config:
    """The settings that a scene reads."""

    subnets = tuple(
        SubnetChoice(availability_zone=f"us-east-1{z}", subnet_id=f"subnet-{z}{n}") for z in "abc" for n in "12"
    )
    operation_state_machine = "arn:machine"


class Deployment:
    """A deployment in three AZs, in which a second managed cluster serves too."""

    config = Config()

    def incarnations(self) -> list[dict[str, Any]]:
        """One that has ended, and two in service."""
        return [
            {"cluster_id": f"j-{number}", "state": state}
            for number, state in enumerate(("retired", "serving", "serving"))
        ]


def scene(calls: list[tuple[Any, ...]], **others: str) -> Scene:
    """One whose incarnation in service is j-1, generation 1, in us-east-1a; *others* by the letter of their AZ."""
    made: Any = Scene
    found: Scene = made(
        stand_in=Noting(calls),
        deployment=Deployment(),
        cluster_id="j-1",
        generation=1,
        managed_cluster="a",
        availability_zone="us-east-1a",
        others={f"us-east-1{letter}": name for letter, name in others.items()},
        deploys=Noting(calls, "deploys"),
        standby="j-2",
    )
    return found


def done_by(*acts: Any) -> list[tuple[Any, ...]]:
    """What *acts* call."""
    calls: list[tuple[Any, ...]] = []
    for act in acts:
        act.do(scene(calls))
    return calls
