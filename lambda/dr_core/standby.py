"""A warm standby: when one is launched, what it is worth, and when it is given up.

It is an incarnation of a managed cluster beside the one in service: proved, routed by its ids, and never where new jobs
come from.  A failover takes it instead of launching.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from dr_core.availability_zones import LEFT_SECONDS
from dr_core.config import Policy
from dr_core.evidence import Verdict
from dr_core.items import item_of, values_of
from dr_core.launch_plan import DAY_SECONDS, launch_budget_left
from dr_core.operation_plan import CanaryState
from dr_core.record import Incarnation, IncarnationState, ManagedCluster, Operation, Outcome
from dr_core.requests import Reason
from dr_core.specs import IN_PLACE

if TYPE_CHECKING:  # what keeps operations back asks in its turn whether something stands by
    from dr_core.restraints import DeploymentView

# A standby counts as verified while its latest canary is younger than this.
VERIFIED_SECONDS = 900
# Age of the latest canary at which the next one begins.  It has ended before the standby stops being verified, though
# what begins it and reads it comes up to 119 s after its last time (EventBridge: "60 second precision"); and so has the
# one that follows if it fails by chance, where the schedule is punctual.
NEXT_CANARY_SECONDS = 600
# One canary that fails may be chance, or a job in its way.
CANARY_FAILURES = 2
# How long the canary of what is on its way may have run when a failover takes it over: on a fresh cluster it takes less
# than a minute, and the failover would wait for as long as Verify may last.
LATE_CANARY_SECONDS = 120
# From a launch that failed to the next one; twice as long after each further failure.
RETRY_SECONDS, LONGEST_RETRY_SECONDS = 600, 7200

_BEGUN = (IncarnationState.LAUNCHING, IncarnationState.VERIFYING)
_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbyLaunches:
    """The launches of standbys for one managed cluster, as the record keeps them.

    Attributes:
        managed_cluster: the item's id.
        operation: the latest operation that was started for it.
        started_at: when that was, seconds since 1970.
        failures: how many before that one failed in a row.
    """

    KIND: ClassVar[str] = "standby-launches"

    managed_cluster: str
    operation: str
    started_at: float
    failures: int = 0

    @staticmethod
    def key(managed_cluster: str) -> dict[str, str]:
        """The item's key."""
        return {"kind": StandbyLaunches.KIND, "id": managed_cluster}

    def to_item(self) -> dict[str, Any]:
        """The item of the record table."""
        return item_of(self, key=self.key(self.managed_cluster), without="managed_cluster")

    @classmethod
    def from_item(cls, item: Mapping[str, Any]) -> Self:
        """The launches that an item holds."""
        return cls(managed_cluster=item["id"], **values_of(cls, item))


def spec_digest(spec: str) -> str:
    """Short for a spec but for what changes in place, to tell whether an incarnation has to be replaced for another.

    Limits and tags of what stands by are brought in line when it serves.
    """
    identity = {name: value for name, value in json.loads(spec).items() if name not in IN_PLACE}
    return hashlib.sha256(json.dumps(identity, sort_keys=True).encode()).hexdigest()[:_DIGITS]


def is_verified(incarnation: Incarnation, *, now: float) -> bool:
    """Whether an incarnation stands by and its latest canary succeeded less than 15 minutes ago."""
    proved_at = incarnation.canary_succeeded_at
    return (
        incarnation.state is IncarnationState.STANDBY and proved_at is not None and now - proved_at < VERIFIED_SECONDS
    )


def why_unfit(incarnation: Incarnation, *, spec: str | None, avoid: str | None) -> str | None:
    """Why an incarnation could not take over, by the record; ``None`` if nothing speaks against it.

    Args:
        incarnation: one that stands by, or is on its way there.
        spec: what its managed cluster shall be.
        avoid: the availability zone of what it would replace.
    """
    if spec is None or incarnation.spec_digest != spec_digest(spec):
        return "it was launched with another spec than what is in service"
    if avoid is not None and incarnation.availability_zone == avoid:
        return f"it stands in {avoid}, as what is in service does"
    return None


def spares(
    incarnations: Iterable[Incarnation], *, managed_cluster: ManagedCluster, avoid: str | None, now: float
) -> list[Incarnation]:
    """The incarnations that an operation may take instead of launching one, best first.

    Those that are verified come first, then those that are on their way: launched for a standby, and nobody's now.

    Args:
        incarnations: of the deployment.
        managed_cluster: who needs one.
        avoid: the availability zone that it must not be in.
        now: seconds since 1970.
    """
    fit = [
        each
        for each in incarnations
        if each.managed_cluster == managed_cluster.name
        and why_unfit(each, spec=managed_cluster.spec, avoid=avoid) is None
    ]
    begun = [each for each in fit if is_begun(each)]
    return [
        *(each for each in fit if is_verified(each, now=now)),
        *(each for each in begun if each.state is IncarnationState.VERIFYING),
        *(each for each in begun if each.state is IncarnationState.LAUNCHING),
    ]


def all_proved_at(managed_clusters: Iterable[ManagedCluster], incarnations: Sequence[Incarnation]) -> float | None:
    """Since when each managed cluster has had a standby that could take over: the oldest of their latest canaries.

    ``None`` if one of them has none, or nothing in service that it could stand by for.
    """
    proved: list[float] = []
    for each in managed_clusters:
        serving = next((one for one in incarnations if one.generation == each.serving_generation), None)
        succeeded = [
            one.canary_succeeded_at
            for one in incarnations
            if serving is not None
            and one.managed_cluster == each.name
            and one.state is IncarnationState.STANDBY
            and one.canary_succeeded_at is not None
            and why_unfit(one, spec=each.spec, avoid=serving.availability_zone) is None
        ]
        if not succeeded:
            return None
        proved.append(max(succeeded))
    return min(proved, default=None)


def is_begun(incarnation: Incarnation) -> bool:
    """Whether an incarnation was launched to stand by, and neither does so nor serves."""
    return incarnation.reason == Reason.STANDBY and incarnation.state in _BEGUN


def why_not_awaited(incarnation: Incarnation, *, canary: CanaryState, now: float) -> str | None:
    """Why a failover rather launches than waits for the proof of what was to stand by; ``None`` if it waits.

    Args:
        incarnation: one that was being proved when the failover came.
        canary: how its canary does.
        now: seconds since 1970.
    """
    if canary is CanaryState.FAILED:
        return "its canary job failed"
    since = incarnation.seeded_again_at or incarnation.waiting_at
    late = since is not None and now - since > LATE_CANARY_SECONDS
    if late and canary is not CanaryState.SUCCEEDED:
        return f"its canary job had not succeeded after {LATE_CANARY_SECONDS} s, and a failover does not wait for it"
    return None


def last_zones(incarnations: Iterable[Incarnation], *, managed_cluster: str, now: float) -> set[str]:
    """The AZs in which a standby, or what replaces one that is unfit, is launched only if no other one is left.

    Something of the managed cluster went out of service there lately, was given up and still ends, or stands by and was
    not taken.
    """
    return {
        each.availability_zone
        for each in incarnations
        if each.managed_cluster == managed_cluster
        and each.availability_zone is not None
        and (
            each.state in (IncarnationState.STANDBY, IncarnationState.ABANDONED)
            or (each.serving_to is not None and now - each.serving_to < LEFT_SECONDS)
        )
    }


def standby_zones(incarnations: Iterable[Incarnation], *, managed_cluster: str) -> set[str]:
    """The AZs in which something of the managed cluster stands by."""
    return {
        each.availability_zone
        for each in incarnations
        if each.managed_cluster == managed_cluster
        and each.availability_zone is not None
        and each.state is IncarnationState.STANDBY
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class StandbySituation:
    """What is known of a managed cluster that keeps a standby.

    Attributes:
        managed_cluster: its record.
        incarnations: of the deployment.
        launches: of its standbys; ``None`` if there was none.
        operation: the latest of them, if its item exists.
        operation_runs: whether its execution has not ended.
        busy: whether an execution that runs holds the lease.
        incident_open: whether what serves is being mended.
        view: of the deployment.
    """

    managed_cluster: ManagedCluster
    incarnations: Sequence[Incarnation]
    view: DeploymentView
    launches: StandbyLaunches | None = None
    operation: Operation | None = None
    operation_runs: bool = False
    busy: bool = False
    incident_open: bool = False

    @property
    def serving(self) -> Incarnation | None:
        """The incarnation in service, unless its end was requested."""
        return next(
            (
                each
                for each in self.incarnations
                if each.generation == self.managed_cluster.serving_generation
                and each.state is IncarnationState.SERVING
                and each.terminate_requested_at is None
            ),
            None,
        )

    @property
    def standbys(self) -> list[Incarnation]:
        """What stands by, oldest first."""
        return [
            each
            for each in self.incarnations
            if each.managed_cluster == self.managed_cluster.name and each.state is IncarnationState.STANDBY
        ]

    @property
    def nothing_to_stand_by_for(self) -> str:
        """Why nothing is done about a standby now, whatever there is; empty if something may be."""
        if self.managed_cluster.tombstone:
            return "the managed cluster is being deleted"
        if self.serving is None:
            return "nothing is in service that it could stand by for"
        if self.busy:
            return "an operation works on the managed cluster"
        if self.incident_open:
            return "what serves is being mended"
        if self.view.controls.paused:
            return "automatic operations are paused"
        return ""


def to_give_up(situation: StandbySituation, verdicts: Mapping[int, Verdict]) -> dict[int, tuple[str, bool]]:
    """The standbys that are given up, by generation: why, and whether that is a fault that people are told of.

    Only what is known to be sick counts as such: one that nobody can judge is kept, and not taken by a failover either.

    Args:
        situation: in which something may be done.
        verdicts: on what stands by, by generation.
    """
    zone = situation.serving.availability_zone if situation.serving is not None else None
    found: dict[int, tuple[str, bool]] = {}
    kept: Incarnation | None = None
    for each in situation.standbys:
        unfit = why_unfit(each, spec=situation.managed_cluster.spec, avoid=zone)
        if unfit is not None:
            found[each.generation] = unfit, False
        elif each.canary_failures >= CANARY_FAILURES:
            found[each.generation] = f"{each.canary_failures} canary jobs failed one after the other", True
        elif verdicts.get(each.generation) is Verdict.UNHEALTHY:
            found[each.generation] = "two vantage points see that it does not do its work", True
        elif kept is not None:
            found[each.generation] = f"{kept.title} stands by already", False
        else:
            kept = each
    return found


def why_no_launch(situation: StandbySituation, *, now: float, policy: Policy) -> str:
    """Why no standby is launched now, in words; empty if one is.

    Args:
        situation: after what is unfit was given up.
        now: seconds since 1970.
        policy: the limits.
    """
    if situation.nothing_to_stand_by_for:
        return situation.nothing_to_stand_by_for
    if situation.standbys:
        return f"{situation.standbys[0].title} stands by"
    if situation.operation_runs:
        return f"{situation.launches.operation if situation.launches else 'an operation'} launches one"
    earliest = retry_from(situation)
    if now < earliest:
        return f"the last launch failed, and the next one follows {earliest - now:.0f} s from now"
    zone = situation.serving.availability_zone if situation.serving is not None else None
    if spares(situation.incarnations, managed_cluster=situation.managed_cluster, avoid=zone, now=now):
        return ""  # nothing stands by: it is on its way, and was counted when its stack was asked for
    return why_over_budget(situation.view, now=now, policy=policy)


def why_over_budget(view: DeploymentView, *, now: float, policy: Policy) -> str:
    """Why the launch budget allows no standby, in words; empty if it does.

    Half of the budget is kept for failovers: a standby that cannot be launched must not use up what mends what serves.
    """
    limit = standby_budget(policy)
    if launch_budget_left(view.automatic_launches, now=now, limit=limit):
        return ""
    ends = sorted(view.automatic_launches)[-limit] + DAY_SECONDS if limit else now + DAY_SECONDS
    return (
        f"automatic operations launched {view.launches_today(now=now)} clusters in 24 hours, and standbys may use "
        f"half of the {policy.launches_per_day} that are allowed: the next follows {(ends - now) / 3600:.1f} hours "
        "from now"
    )


def standby_budget(policy: Policy) -> int:
    """How many automatic launches of the last 24 hours there may be before no standby is launched any more."""
    return policy.launches_per_day // 2


def failures_so_far(situation: StandbySituation) -> int:
    """How many launches of standbys have failed in a row, the latest included."""
    if situation.launches is None:
        return 0
    operation = situation.operation
    failed = operation is None or operation.outcome is Outcome.FAILED
    # One that ended without a word, as nobody could tidy up after it, has failed too.
    silent = operation is not None and operation.outcome is None and not situation.operation_runs
    if failed or silent:
        return situation.launches.failures + 1
    if operation is not None and operation.outcome is Outcome.CANCELLED:
        return situation.launches.failures
    return 0


def retry_from(situation: StandbySituation) -> float:
    """When the next launch may follow, at the earliest; seconds since 1970."""
    failures = failures_so_far(situation)
    if situation.launches is None or not failures:
        return 0
    # More doublings than these change nothing.
    wait = min(RETRY_SECONDS << min(failures - 1, 10), LONGEST_RETRY_SECONDS)
    return situation.launches.started_at + wait


def is_missing(situation: StandbySituation, *, now: float) -> bool:
    """Whether a failover would have to launch: something serves, and nothing that could take over is verified."""
    serving = situation.serving
    if serving is None or situation.managed_cluster.tombstone:
        return False
    return not any(
        is_verified(each, now=now)
        and why_unfit(each, spec=situation.managed_cluster.spec, avoid=serving.availability_zone) is None
        for each in situation.standbys
    )
