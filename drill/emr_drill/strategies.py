"""The strategies that a drill can deploy: which stacks, and what the deployment is called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from emr_drill.errors import DrillError

PLATFORM = "Platform"


@dataclass(frozen=True, slots=True, kw_only=True)
class DrilledStrategy:
    """One strategy.

    Attributes:
        name: what ``--strategy`` takes.
        stack: id of its stack in the cloud assembly.
        deployment: last part of the deployment's name; the same as *name* unless given.
        settings: what the settings are changed to, ``key=value``: what is off by default is drilled too.
        standby: whether each managed cluster keeps a standby, which has to be there before anything is broken.
    """

    name: str
    stack: str
    deployment: str = ""
    settings: tuple[str, ...] = ()
    standby: bool = False

    @property
    def deployment_ending(self) -> str:
        """Last part of the deployment's name."""
        return self.deployment or self.name

    @property
    def context(self) -> tuple[str, ...]:
        """The ``-c`` arguments of ``cdk synth``."""
        return tuple(f"set.{setting}" for setting in self.settings)

    @property
    def stacks(self) -> tuple[str, ...]:
        """Everything that has to be deployed, in order."""
        return (PLATFORM, self.stack)


STRATEGIES: Mapping[str, DrilledStrategy] = {
    each.name: each
    for each in (
        DrilledStrategy(name="active-passive", stack="ActivePassive"),
        DrilledStrategy(name="active-active", stack="ActiveActive", settings=("cluster.maximum_instances_alone=20",)),
        DrilledStrategy(
            name="active-passive-warm",
            stack="ActivePassive",
            deployment="active-passive",
            settings=("standby=warm",),
            standby=True,
        ),
    )
}
DEFAULT = "active-passive"


def strategy(name: str) -> DrilledStrategy:
    """The strategy of that name.

    Raises:
        DrillError: there is none.
    """
    if name not in STRATEGIES:
        raise DrillError(f"strategy must be one of {', '.join(STRATEGIES)}, got {name!r}")
    return STRATEGIES[name]
