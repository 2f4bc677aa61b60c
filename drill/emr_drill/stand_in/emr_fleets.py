"""Instance fleets of the stand-in's EMR: what is refused of them, which machines they get, and how the API tells it.

What is refused follows from the API reference and from EMR's management guide; the words are not EMR's.  Prices are not
known here: where EC2 would choose by price or by how much it has, the order of the request decides.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

ON_DEMAND, SPOT = "ON_DEMAND", "SPOT"
STRATEGIES: Mapping[str, tuple[str, ...]] = {
    "OnDemandSpecification": ("lowest-price", "prioritized"),
    "SpotSpecification": (
        "capacity-optimized",
        "price-capacity-optimized",
        "lowest-price",
        "diversified",
        "capacity-optimized-prioritized",
    ),
}
SWITCH, TERMINATE = "SWITCH_TO_ON_DEMAND", "TERMINATE_CLUSTER"
BY_PRIORITY = ("prioritized", "capacity-optimized-prioritized")
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 5, 1440  # minutes
# Instance types of a fleet without and with an allocation strategy.
MOST_TYPES, MOST_TYPES_ALLOCATED = 5, 30

# Whether an AZ has another machine: instance type, market.
Available = Callable[[str, str], bool]


class Machine(NamedTuple):
    """One machine: its type and market, and how many units it counts."""

    instance_type: str
    market: str
    units: int = 1


@dataclass(slots=True, kw_only=True)
class InstanceFleet:
    """One instance fleet; *request* as in RunJobFlow, *machines* what it has got."""

    id: str
    request: Mapping[str, Any]
    machines: list[Machine] = field(default_factory=list)

    @property
    def role(self) -> str:
        """``MASTER``, ``CORE`` or ``TASK``."""
        return str(self.request["InstanceFleetType"])

    @property
    def member(self) -> dict[str, str]:
        """What an instance of ListInstances says it is a part of."""
        return {"InstanceFleetId": self.id}

    def target(self, market: str) -> int:
        """The units that it shall have."""
        return int(self.request.get(_TARGETS[market]) or 0)

    def units(self, market: str) -> int:
        """The units that it has."""
        return sum(machine.units for machine in self.machines if machine.market == market)

    @property
    def timeout(self) -> tuple[float, str]:
        """After how many seconds of waiting for spot machines what is done; never, without a specification."""
        specification = self.request.get("LaunchSpecifications", {}).get("SpotSpecification")
        if specification is None:
            return math.inf, ""
        return specification["TimeoutDurationMinutes"] * 60.0, str(specification["TimeoutAction"])

    def provision(self, available: Available, *, switched: bool) -> bool:
        """Take the machines that there are; whether the targets are met.

        Args:
            available: whether there is another machine.
            switched: take on demand what is missing of spot machines.
        """
        met = [self._take(market, market, available) for market in (ON_DEMAND, SPOT)]
        if not met[1] and switched:
            met[1] = self._take(SPOT, ON_DEMAND, available)
        return all(met)

    def _take(self, wanted: str, market: str, available: Available) -> bool:
        types = self._types(market)
        while self._missing(wanted) > 0:
            found = next((each for each in types if available(each["InstanceType"], market)), None)
            if found is None:
                return False
            self.machines.append(Machine(found["InstanceType"], market, int(found.get("WeightedCapacity", 1))))
        return True

    def _missing(self, market: str) -> int:
        """Units that are missing; of spot ones those count that were taken on demand in their place."""
        beyond = max(0, self.units(ON_DEMAND) - self.target(ON_DEMAND)) if market == SPOT else 0
        return self.target(market) - self.units(market) - beyond

    def _types(self, market: str) -> list[Mapping[str, Any]]:
        specification = "OnDemandSpecification" if market == ON_DEMAND else "SpotSpecification"
        strategy = self.request.get("LaunchSpecifications", {}).get(specification, {}).get("AllocationStrategy")
        types: list[Mapping[str, Any]] = list(self.request["InstanceTypeConfigs"])
        return sorted(types, key=lambda each: each.get("Priority", math.inf)) if strategy in BY_PRIORITY else types

    def describe(self, *, status: Mapping[str, Any]) -> dict[str, Any]:
        """An item of ListInstanceFleets."""
        return {
            "Id": self.id,
            "Name": self.request.get("Name", self.role.title()),
            "Status": dict(status),
            "InstanceFleetType": self.role,
            "TargetOnDemandCapacity": self.target(ON_DEMAND),
            "TargetSpotCapacity": self.target(SPOT),
            "ProvisionedOnDemandCapacity": self.units(ON_DEMAND),
            "ProvisionedSpotCapacity": self.units(SPOT),
            "InstanceTypeSpecifications": [_specification(each) for each in self.request["InstanceTypeConfigs"]],
            **{name: self.request[name] for name in ("LaunchSpecifications",) if name in self.request},
        }


_TARGETS = {ON_DEMAND: "TargetOnDemandCapacity", SPOT: "TargetSpotCapacity"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A launch that has not got all machines yet.

    Attributes:
        until: when it looks again at the latest, simulated seconds since 1970; infinite for on-demand machines, for
            which EMR has no time-out at a launch.
        given_up: why EMR ends the launch; empty while it waits.
    """

    until: float
    given_up: str = ""


def provision(fleets: Sequence[InstanceFleet], available: Available, *, begun: float, now: float) -> Shortage | None:
    """Let every fleet take the machines that there are.

    Args:
        fleets: of a cluster that is being launched.
        available: whether its AZ has another machine.
        begun: when the cluster was asked for, simulated seconds since 1970, as is *now*.

    Returns:
        Shortage | None: what is missing; ``None`` when all fleets have their units.
    """
    until = math.inf
    missing = False
    for fleet in fleets:
        seconds, action = fleet.timeout
        over = now >= begun + seconds
        if fleet.provision(available, switched=over and action == SWITCH):
            continue
        missing = True
        if fleet.units(ON_DEMAND) < fleet.target(ON_DEMAND) or (over and action == SWITCH):
            continue  # on-demand machines, for which it waits without end
        if over:
            return Shortage(
                until=now,
                given_up=f"The {fleet.role.lower()} instance fleet did not get its spot units within "
                f"{seconds / 60:.0f} minutes",
            )
        until = min(until, begun + seconds)
    return Shortage(until=until) if missing else None


def machines_in_words(fleets: Sequence[InstanceFleet]) -> str:
    """What the fleets have got: ``MASTER: m5a.xlarge ON_DEMAND; CORE: ...``."""
    return "; ".join(
        f"{fleet.role}: " + ", ".join(f"{machine.instance_type} {machine.market}" for machine in fleet.machines)
        for fleet in fleets
    )


def problem_of(instances: Mapping[str, Any]) -> str | None:
    """Why EMR refuses the fleets of RunJobFlow's ``Instances``; ``None`` if it takes them."""
    return next(_problems(instances), None)


def _problems(instances: Mapping[str, Any]) -> Iterator[str]:
    fleets: Sequence[Mapping[str, Any]] = instances["InstanceFleets"]
    if instances.get("InstanceGroups"):
        yield "Instance fleets and instance groups are mutually exclusive."
    if instances.get("Ec2SubnetId") or not instances.get("Ec2SubnetIds"):
        yield "A cluster of instance fleets takes Ec2SubnetIds, one of instance groups Ec2SubnetId."
    roles = [str(fleet.get("InstanceFleetType")) for fleet in fleets]
    if roles.count("MASTER") != 1 or any(roles.count(role) > 1 for role in ("CORE", "TASK")):
        yield f"A cluster has one MASTER fleet, and at most one CORE and one TASK fleet, got {roles}."
    if unknown := set(roles) - {"MASTER", "CORE", "TASK"}:
        yield f"InstanceFleetType is MASTER, CORE or TASK, got {sorted(unknown)}."
    for fleet in fleets:
        for what in (*_target_problems(fleet), *_type_problems(fleet), *_launch_problems(fleet)):
            yield f"{what} ({fleet.get('InstanceFleetType')} fleet)"


def _target_problems(fleet: Mapping[str, Any]) -> Iterator[str]:
    targets = [int(fleet.get(name) or 0) for name in _TARGETS.values()]
    if fleet.get("InstanceFleetType") == "MASTER":
        if sorted(targets) != [0, 1]:
            yield f"One of TargetOnDemandCapacity and TargetSpotCapacity of the primary is 1, got {targets}"
    elif min(targets) < 0 or max(targets) < 1:
        yield f"At least one of TargetOnDemandCapacity and TargetSpotCapacity is greater than 0, got {targets}"


def _type_problems(fleet: Mapping[str, Any]) -> Iterator[str]:
    types: Sequence[Mapping[str, Any]] = fleet.get("InstanceTypeConfigs") or []
    names = [each["InstanceType"] for each in types]
    weights = [int(each.get("WeightedCapacity", 1)) for each in types]
    allocated = any("AllocationStrategy" in each for each in fleet.get("LaunchSpecifications", {}).values())
    most = MOST_TYPES_ALLOCATED if allocated else MOST_TYPES
    if not 1 <= len(types) <= most:
        yield f"InstanceTypeConfigs has 1 to {most} instance types, got {len(types)}"
    if len(set(names)) < len(names):
        yield f"InstanceTypeConfigs has each instance type once, got {names}"
    if any(weight < 1 for weight in weights):
        yield f"WeightedCapacity is 1 or more, got {weights}"
    if fleet.get("InstanceFleetType") == "MASTER" and set(weights) - {1}:
        yield f"WeightedCapacity of the primary is 1, got {weights}"


def _launch_problems(fleet: Mapping[str, Any]) -> Iterator[str]:
    for name, specification in fleet.get("LaunchSpecifications", {}).items():
        strategy = specification.get("AllocationStrategy")
        if strategy not in (*STRATEGIES[name], None if name == "SpotSpecification" else ""):
            yield f"AllocationStrategy of {name} is one of {', '.join(STRATEGIES[name])}, got {strategy}"
        if name != "SpotSpecification":
            continue
        minutes, action = specification.get("TimeoutDurationMinutes"), specification.get("TimeoutAction")
        if not SHORTEST_TIMEOUT <= (minutes or 0) <= LONGEST_TIMEOUT:
            yield f"TimeoutDurationMinutes is {SHORTEST_TIMEOUT} to {LONGEST_TIMEOUT}, got {minutes}"
        if action not in (SWITCH, TERMINATE):
            yield f"TimeoutAction is {SWITCH} or {TERMINATE}, got {action}"


def _specification(config: Mapping[str, Any]) -> dict[str, Any]:
    """An ``InstanceTypeSpecification``, with what EMR takes for what was not said."""
    priced = "BidPrice" in config
    return {
        "InstanceType": config["InstanceType"],
        "WeightedCapacity": int(config.get("WeightedCapacity", 1)),
        **({} if priced else {"BidPriceAsPercentageOfOnDemandPrice": 100.0}),
        **{
            name: config[name]
            for name in ("BidPrice", "BidPriceAsPercentageOfOnDemandPrice", "CustomAmiId", "Priority")
            if name in config
        },
        "Configurations": config.get("Configurations", []),
        "EbsBlockDevices": [],
    }
