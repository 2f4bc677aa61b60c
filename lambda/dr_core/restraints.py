"""What keeps automatic operations back, whatever a verdict says; operations that a person asks for never ask here.

Each restraint ends by itself or by a word of a person, so that recovery never stays disarmed unnoticed:

* paused: until a person resumes;
* blocked: after so many automatic failovers of the deployment within the window, until the window has passed or a
  person acknowledges them (what two replacements do not mend is hardly a cluster's fault);
* launch budget: so many clusters a day are launched without a person, until the first of them is a day old; it does
  not keep back what need not launch, as a verified standby can be taken (Launch asks for the budget once more);
* turn: one automatic operation of the deployment at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum

from dr_core.config import Policy
from dr_core.controls import Controls, Turn
from dr_core.evidence import Service, Verdict
from dr_core.launch_plan import DAY_SECONDS, launch_budget_left
from dr_core.record import Incarnation, Incident, IncidentState, ManagedCluster, Operation
from dr_core.requests import AUTOMATIC_REASONS
from dr_core.standby import VERIFIED_SECONDS, all_proved_at
from dr_core.verdicts import Judgement

# A monitor that took the turn and died owes the start of its operation; whoever comes next makes it.  An operation that
# nobody started within this time does not run.
START_SECONDS = 120


class Restraint(StrEnum):
    """What keeps an automatic operation back."""

    PAUSED = "paused"
    BLOCKED = "blocked"
    BUDGET = "launch budget"
    TURN = "turn"

    @property
    def needs_a_person(self) -> bool:
        """Whether it lasts for hours unless somebody acts, though nobody asked for it."""
        return self in (Restraint.BLOCKED, Restraint.BUDGET)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptBack:
    """That an automatic operation may not start now, and why.

    Attributes:
        restraint: what keeps it back.
        reason: what happened and what ends it, in one sentence.
    """

    restraint: Restraint
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeploymentView:
    """What the rules have to know of the whole deployment.

    Attributes:
        controls: what a person decided.
        automatic_failovers: when each came to its cut-over, of all managed clusters, seconds since 1970.
        automatic_launches: when each incarnation that an automatic operation launched was recorded.
        standbys_proved_at: since when whatever fails has a standby that could take over (:func:`all_proved_at`).
    """

    controls: Controls = field(default_factory=Controls)
    automatic_failovers: tuple[float, ...] = ()
    automatic_launches: tuple[float, ...] = ()
    standbys_proved_at: float | None = None

    def launches_today(self, *, now: float) -> int:
        """How many clusters automatic operations launched in the last 24 hours."""
        return sum(now - each < DAY_SECONDS for each in self.automatic_launches)


def view_of(
    controls: Controls, managed_clusters: Iterable[ManagedCluster], incarnations: Iterable[Incarnation]
) -> DeploymentView:
    """The view of a deployment from its record."""
    managed_clusters, incarnations = tuple(managed_clusters), tuple(incarnations)
    return DeploymentView(
        controls=controls,
        standbys_proved_at=all_proved_at(managed_clusters, incarnations),
        automatic_failovers=tuple(sorted(time for each in managed_clusters for time in each.automatic_failovers)),
        automatic_launches=tuple(
            sorted(
                each.created_at
                for each in incarnations
                if each.reason in AUTOMATIC_REASONS and each.created_at is not None
            )
        ),
    )


def kept_back(view: DeploymentView, *, now: float, policy: Policy, first_attempt: bool = True) -> KeptBack | None:
    """What keeps automatic operations of the deployment back at *now*; ``None`` when nothing does.

    Args:
        view: of the deployment.
        now: seconds since 1970.
        policy: the limits.
        first_attempt: whether nothing was tried yet.  Only then a standby counts for the launch budget: one that could
            not be taken must not use up the attempts that would follow when the budget allows a launch again.
    """
    controls = view.controls
    if controls.paused:
        return KeptBack(
            restraint=Restraint.PAUSED,
            reason=f"automatic operations are paused by {controls.paused_by or 'a person'} "
            f"({controls.paused_because or 'no reason given'}) until somebody resumes them",
        )
    since = max(now - policy.block_window_seconds, controls.acknowledged_at or 0)
    counted = [each for each in view.automatic_failovers if each > since]
    if len(counted) >= policy.failovers_before_block:
        ends = sorted(counted)[-policy.failovers_before_block] + policy.block_window_seconds
        return KeptBack(
            restraint=Restraint.BLOCKED,
            reason=f"{len(counted)} automatic failovers within {policy.block_window_seconds} s: "
            f"the next waits until a person acknowledges them, or until {_clock(ends)}",
        )
    proved_at = view.standbys_proved_at if first_attempt else None
    launches = proved_at is None or now - proved_at >= VERIFIED_SECONDS
    if launches and not launch_budget_left(view.automatic_launches, now=now, limit=policy.launches_per_day):
        today = view.launches_today(now=now)
        ends = sorted(view.automatic_launches)[-policy.launches_per_day] + DAY_SECONDS
        return KeptBack(
            restraint=Restraint.BUDGET,
            reason=f"automatic operations launched {today} clusters in 24 hours, {policy.launches_per_day} are "
            f"allowed: the next waits until a person asks for a failover, or until {_clock(ends)}",
        )
    return None


def turn_taken(
    turn: Turn | None, *, managed_cluster: str, operation: Operation | None, operation_closed: bool, now: float
) -> KeptBack | None:
    """Whether an automatic operation of another managed cluster runs; then *managed_cluster* waits.

    Args:
        turn: the latest turn that was taken.
        managed_cluster: who asks.
        operation: the operation of *turn*, if its item exists.
        operation_closed: whether the execution of that operation has ended.
        now: seconds since 1970.
    """
    if turn is None or turn.managed_cluster == managed_cluster:
        return None
    if operation is None or operation.execution is None:
        runs = now - turn.since < START_SECONDS
    else:
        runs = not operation_closed
    if not runs or (operation is not None and operation.outcome is not None):
        return None
    return KeptBack(
        restraint=Restraint.TURN,
        reason=f"{turn.operation} works on managed cluster {turn.managed_cluster}: one automatic operation at a time",
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A managed cluster with an incarnation in service, and the verdict on that.

    Attributes:
        managed_cluster: its name.
        availability_zone: where the incarnation runs.
        judgement: the verdict.
    """

    managed_cluster: str
    availability_zone: str | None
    judgement: Judgement


def in_order(judged: Sequence[Judged], incidents: Mapping[str, Incident]) -> list[Judged]:
    """In which order verdicts are answered, as one automatic operation of the deployment runs at a time.

    Who had fewer attempts comes first, so that one that cannot be mended does not keep the others from their turn; then
    who only needs Livy to be restarted, which takes a minute.

    Args:
        judged: in the order of the deployment.
        incidents: the latest of each managed cluster.
    """

    def key(each: Judged) -> tuple[int, bool]:
        incident = incidents.get(each.managed_cluster)
        attempts = incident.attempts if incident is not None and incident.state is IncidentState.OPEN else 0
        return attempts, each.judgement.bad_services != {Service.LIVY}

    return sorted(judged, key=key)


def common_cause(judged: Sequence[Judged]) -> bool:
    """Whether something else than the clusters is suspected.

    All managed clusters in service, two at least, are unhealthy at once, and they stand in different AZs: whatever they
    have in common (a bad release of a job, credentials, a bucket, the network) would make new clusters sick too.  A
    cluster that a person ended does not count.
    """
    sick = [
        each
        for each in judged
        if each.judgement.verdict is Verdict.UNHEALTHY and not each.judgement.terminated_by_a_person
    ]
    return len(sick) == len(judged) and len({each.availability_zone for each in sick}) > 1


def _clock(time: float) -> str:
    return f"{datetime.fromtimestamp(time, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
