"""Evidence: what one observer saw of one incarnation in one round, as the evidence table holds it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

LIFETIME_SECONDS = 86_400

PROBER = "prober"
LOAD_BALANCER = "load-balancer"


class Service(StrEnum):
    """A service on a primary whose health is looked at."""

    LIVY = "livy"
    RESOURCE_MANAGER = "resource_manager"
    NAME_NODE = "name_node"


class Verdict(StrEnum):
    """What is held to be true; ``UNKNOWN`` never leads to an action."""

    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one look at one service says.

    Attributes:
        verdict: what it means.
        detail: one sentence that a person understands.
        active_nodes: how many nodes YARN has, where that was read.
    """

    verdict: Verdict
    detail: str
    active_nodes: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain values: ``{"verdict": "healthy", "detail": "..."}``, and ``"active_nodes"`` where they were read."""
        nodes = {} if self.active_nodes is None else {"active_nodes": self.active_nodes}
        return {"verdict": str(self.verdict), "detail": self.detail, **nodes}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The reading that :meth:`to_dict` described."""
        nodes = data.get("active_nodes")
        return cls(
            verdict=Verdict(data["verdict"]),
            detail=str(data["detail"]),
            active_nodes=None if nodes is None else int(nodes),
        )


def healthy(detail: str, *, active_nodes: int | None = None) -> Reading:
    """The service does its work."""
    return Reading(verdict=Verdict.HEALTHY, detail=detail, active_nodes=active_nodes)


def unhealthy(detail: str) -> Reading:
    """The service was asked and does not do its work."""
    return Reading(verdict=Verdict.UNHEALTHY, detail=detail)


def unknown(detail: str) -> Reading:
    """Nothing can be said: the call of ours failed, not the service."""
    return Reading(verdict=Verdict.UNKNOWN, detail=detail)


def prober_observer(availability_zone: str) -> str:
    """The observer's name of the prober in *availability_zone*: ``prober:us-east-1a``."""
    return f"{PROBER}:{availability_zone}"


def is_prober(observer: str) -> bool:
    """Whether *observer* looked at the services itself."""
    return observer.startswith(f"{PROBER}:")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What one observer saw of one incarnation in one round.

    Attributes:
        incarnation: ``g000001``.
        observer: ``prober:<availability zone>`` or ``load-balancer``.
        observed_at: when the round began, seconds since 1970.
        services: what each service showed.
        front_door: whether the observer's control passed: it reached the front door's fixed answer.
        certificates: what is to be told of the certificates of front door and incarnation; no verdict looks at it.
    """

    incarnation: str
    observer: str
    observed_at: float
    services: Mapping[Service, Reading]
    front_door: bool
    certificates: tuple[str, ...] = ()

    @property
    def observed(self) -> str:
        """The sort key: by time, then by observer."""
        return f"{sort_key_from(self.observed_at)}#{self.observer}"

    def to_item(self, *, round_seconds: int) -> dict[str, Any]:
        """The item of the evidence table, as boto3's resource API takes it."""
        return {
            "incarnation": self.incarnation,
            "observed": self.observed,
            "observer": self.observer,
            "observed_at": Decimal(f"{self.observed_at:.3f}"),
            "round": int(self.observed_at // round_seconds),
            "services": {str(service): reading.to_dict() for service, reading in self.services.items()},
            "front_door": self.front_door,
            "expires_at": int(self.observed_at) + LIFETIME_SECONDS,
            **({"certificates": list(self.certificates)} if self.certificates else {}),
        }

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The evidence that an item of the table holds."""
        return cls(
            incarnation=item["incarnation"],
            observer=item["observer"],
            observed_at=float(item["observed_at"]),
            services={Service(name): Reading.from_dict(data) for name, data in item["services"].items()},
            front_door=bool(item["front_door"]),
            certificates=tuple(str(each) for each in item.get("certificates", ())),
        )

    @classmethod
    def from_look(cls, look: Mapping[str, Any], *, incarnation: str) -> Self:
        """What a prober saw at the address of *incarnation* when it was asked, see :func:`look_to_dict`."""
        return cls.from_item({**look, "incarnation": incarnation})


def nodes_last_seen(evidence: Iterable[Evidence], *, until: float) -> int | None:
    """How many nodes YARN had in the latest look not after *until* that found its ResourceManager well.

    ``None`` where there is no such look, or it was written down without them.
    """
    looks = [
        (each.observed_at, each.services[Service.RESOURCE_MANAGER])
        for each in evidence
        if each.observed_at <= until and Service.RESOURCE_MANAGER in each.services
    ]
    counted = [(at, reading.active_nodes) for at, reading in looks if reading.active_nodes is not None]
    return max(counted, default=(0.0, None), key=lambda look: look[0])[1]


def sort_key_from(observed_at: float) -> str:
    """The beginning of every sort key of evidence observed at *observed_at*; compares as time does."""
    return f"{observed_at:014.3f}"


def look_to_dict(evidence: Evidence, *, address: str) -> dict[str, Any]:
    """One immediate look at *address*, as a prober answers it.

    Returns:
        ``{"address", "observer", "observed_at", "front_door", "services": {service: {"verdict", "detail"}}}``, and
        ``"certificates"`` if anything is to be told of them.
    """
    return {
        "address": address,
        "observer": evidence.observer,
        "observed_at": evidence.observed_at,
        "front_door": evidence.front_door,
        "services": {str(service): reading.to_dict() for service, reading in evidence.services.items()},
        **({"certificates": list(evidence.certificates)} if evidence.certificates else {}),
    }
