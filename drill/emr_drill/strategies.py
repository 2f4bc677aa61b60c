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
        name: what ``--strategy`` takes; last part of the deployment's name.
        stack: id of its stack in the cloud assembly.
        settings: what a drill sets before it synthesizes, ``-c`` arguments: what is off by default is drilled too.
    """

    name: str
    stack: str
    settings: tuple[str, ...] = ()

    @property
    def stacks(self) -> tuple[str, ...]:
        """Everything that has to be deployed, in order."""
        return (PLATFORM, self.stack)


STRATEGIES: Mapping[str, DrilledStrategy] = {
    each.name: each
    for each in (
        DrilledStrategy(name="active-passive", stack="ActivePassive"),
        DrilledStrategy(
            name="active-active", stack="ActiveActive", settings=("set.cluster.maximum_instances_alone=20",)
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
