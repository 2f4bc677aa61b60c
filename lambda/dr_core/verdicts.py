"""From evidence to a verdict on one incarnation.

The rules, in their order:

1. An observer is a *vantage point*: each prober whose control passed, and the load balancers' target health.
2. A vantage point has a voice on a service when K of its last N looks say the same and the newest does not say the
   contrary.  A look whose control failed says nothing, and an observer that has fallen silent, or whose clock is wrong,
   has no voice.
3. A service is bad when two vantage points, one of them a prober, say so, and not as many see the contrary in their
   newest look: whoever cannot see a service that others see stands at the wrong place.  It is good when two vantage
   points, one of them a prober, say so, and not as many say the contrary.
4. An incarnation is unhealthy when one of its services is bad, healthy when all are good, else unknown.
5. A second look, before something is done, rests on looks that were made after the first verdict: whoever has not
   looked again since then has no voice, and whoever has seen the service well since then does not call it bad.
6. An incarnation that came into service less than N rounds ago is unknown, and evidence from before does not count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

from dr_core.config import Policy
from dr_core.evidence import Evidence, Reading, Service, Verdict, is_prober, unknown
from dr_core.retirement_plan import CLUSTER_ENDING

# After so many rounds without a look an observer has no voice.  A round and a half between two looks is ordinary: they
# stand so far apart where one run of an observer follows another, however late its schedule is (see dr_core.rounds).
SILENT_ROUNDS = 2.5

# Looks of one observer that stand nearer to each other than this are of one round: a schedule may fire twice, and a
# function that runs twice must not make K of N rounds pass in half the time.
SAME_ROUND_ROUNDS = 0.6

# A look from further ahead than this shows that its observer's clock is wrong: half a round is more than clocks of
# functions differ by and more than reading takes.  All its looks are passed over then, not only that one, and none is
# moved to the present: with a clock that runs a minute ahead, every look would count a minute after it was made, and an
# observer that died would go on speaking for that minute.
AHEAD_ROUNDS = 0.5

# EMR's StateChangeReason.Code of a cluster that somebody asked EMR to end.
USER_REQUEST = "USER_REQUEST"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """A verdict and what it rests on.

    Attributes:
        verdict: of the incarnation.
        reason: one sentence, or several joined by semicolons.
        bad_services: the services that are bad; empty unless the verdict is unhealthy.
        good_services: the services that are known to be good, whatever the verdict; a service in neither set is
            unknown.
        first_bad_at: when the first bad look of those who agree was made, seconds since 1970.
        actionable: whether an operation may answer it.
        terminated_by_a_person: whether it is not actionable because somebody ended the cluster.
    """

    verdict: Verdict
    reason: str
    bad_services: frozenset[Service] = frozenset()
    good_services: frozenset[Service] = frozenset()
    first_bad_at: float | None = None
    actionable: bool = False
    terminated_by_a_person: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Termination:
    """Why EMR says that a cluster ends or ended.

    Attributes:
        code: EMR's word for the reason.
        message: EMR's sentence.
        ended_at: when the cluster had ended, seconds since 1970; ``None`` while it has not, or if EMR does not say.
    """

    code: str
    message: str
    ended_at: float | None = None

    @classmethod
    def from_status(cls, status: Mapping[str, Any]) -> Self | None:
        """What ``Cluster.Status`` of DescribeCluster says of the end; ``None`` while the cluster does not end."""
        if status.get("State") not in CLUSTER_ENDING:
            return None
        reason = status.get("StateChangeReason", {})
        ended = status.get("Timeline", {}).get("EndDateTime")
        return cls(
            code=reason.get("Code", ""),
            message=reason.get("Message", ""),
            ended_at=None if ended is None else ended.timestamp(),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Voice:
    """What one vantage point says of one service.

    Attributes:
        verdict: what it says, by K of its last N looks.
        detail: of one of these looks.
        newest: what its newest look says.
        bad_since: when the first of its bad looks was made; infinite unless it says unhealthy.
    """

    verdict: Verdict
    detail: str
    newest: Verdict = Verdict.UNKNOWN
    bad_since: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class _Opinion:
    """What the vantage points together say of one service."""

    service: Service
    verdict: Verdict
    reason: str
    bad_since: float


def looked_at_since(*, now: float, policy: Policy) -> float:
    """Evidence older than this time does not matter for a verdict at *now*: N rounds, and one as schedules drift."""
    return now - (policy.rounds + 1) * policy.round_seconds


def judge(
    evidence: Iterable[Evidence],
    *,
    now: float,
    policy: Policy,
    serving_from: float | None = None,
    looked_since: float | None = None,
) -> Judgement:
    """The verdict on one incarnation at *now*.

    Args:
        evidence: what observers saw of it, in any order; evidence that is too old is passed over, and so is everything
            of an observer whose clock is ahead.
        now: seconds since 1970, taken after *evidence* was read.
        policy: K, N, the length of a round, how many vantage points must agree.
        serving_from: when it came into service; ``None`` judges it regardless.
        looked_since: of a second look, when the first verdict was made; ``None`` for a first look.
    """
    since = looked_at_since(now=now, policy=policy)
    if serving_from is not None:
        if now - serving_from < policy.rounds * policy.round_seconds:
            return Judgement(
                verdict=Verdict.UNKNOWN,
                reason=f"in service for {now - serving_from:.0f} s, judged from "
                f"{policy.rounds * policy.round_seconds} s on",
            )
        since = max(since, serving_from)
    looks: dict[str, list[Evidence]] = {}
    ahead: dict[str, float] = {}
    for each in sorted(evidence, key=lambda each: each.observed_at, reverse=True):
        if each.observed_at - now > AHEAD_ROUNDS * policy.round_seconds:
            ahead.setdefault(each.observer, each.observed_at - now)
        seen = looks.setdefault(each.observer, [])
        same_round = seen and seen[-1].observed_at - each.observed_at < SAME_ROUND_ROUNDS * policy.round_seconds
        if each.observed_at >= since and not same_round:
            seen.append(each)
    heard_since = now - SILENT_ROUNDS * policy.round_seconds
    second_since = -math.inf if looked_since is None else looked_since
    speaking = {
        observer: seen[: policy.rounds]
        for observer, seen in looks.items()
        if seen and seen[0].observed_at >= max(heard_since, second_since) and observer not in ahead
    }
    return _judge(speaking, ahead=ahead, since=looked_since, policy=policy)


def is_confirmed(judgement: Judgement, looks: Sequence[Evidence], *, policy: Policy) -> bool:
    """Whether the probers that were asked to look at once agree in what *judgement* calls bad.

    Rounds let everybody look again before two have confirmed a fault.  Whoever is asked has no such time: nobody of
    those who answered may see a service well that is called bad.

    Args:
        judgement: what was made of *looks* and of the evidence from before.
        looks: of the probers that answered, one each.
        policy: how many have to agree.
    """
    able = [each for each in looks if each.front_door]
    contradicted = any(
        _reading(each, service).verdict is Verdict.HEALTHY for each in able for service in judgement.bad_services
    )
    return judgement.verdict is Verdict.UNHEALTHY and len(able) >= policy.vantage_points and not contradicted


def consider_termination(judgement: Judgement, termination: Termination | None, *, asked_at: float | None) -> Judgement:
    """*judgement*, no longer actionable if a person ended the cluster: whoever ends a cluster does not want another.

    EMR gives the same reason for what a person and for what the controller asked for.  What had ended before the
    controller asked was not ended by it: a failover by hand asks for the end of whatever it replaces, also of what a
    person ended long before, and must not make that look like a failure.

    Args:
        judgement: what the evidence says.
        termination: why EMR ends or ended the cluster, ``None`` while it does not.
        asked_at: when the controller asked for the end, seconds since 1970; ``None`` if it did not.
    """
    if termination is None or termination.code != USER_REQUEST:
        return judgement
    if asked_at is not None and (termination.ended_at is None or asked_at <= termination.ended_at):
        return judgement
    return replace(
        judgement,
        actionable=False,
        terminated_by_a_person=True,
        reason=f"terminated by a person ({termination.message}), not replaced; {judgement.reason}",
    )


def termination_unknown(judgement: Judgement, *, why: str) -> Judgement:
    """*judgement*, not actionable now: it may have been a person, and not knowing, nothing is done.

    Args:
        judgement: what the evidence says.
        why: why EMR's word is not known.
    """
    return replace(judgement, actionable=False, reason=f"DescribeCluster failed ({why}); {judgement.reason}")


def _judge(
    looks: Mapping[str, Sequence[Evidence]], *, ahead: Mapping[str, float], since: float | None, policy: Policy
) -> Judgement:
    """What the *looks* of those who speak say; *ahead* names who does not, by the seconds that its clock is ahead.

    A second look is one at what was seen *since* the first.
    """
    wrong = {
        observer: _Voice(verdict=Verdict.UNKNOWN, detail=f"its clock is {seconds:.0f} s ahead")
        for observer, seconds in ahead.items()
    }
    opinions = [
        _opinion(
            service,
            {
                observer: _voice(seen, service, since=since, needed=policy.bad_rounds)
                for observer, seen in sorted(looks.items())
            }
            | wrong,
            policy=policy,
        )
        for service in Service
    ]
    bad = [each for each in opinions if each.verdict is Verdict.UNHEALTHY]
    good = frozenset(each.service for each in opinions if each.verdict is Verdict.HEALTHY)
    if bad:
        return Judgement(
            verdict=Verdict.UNHEALTHY,
            reason="; ".join(each.reason for each in bad),
            bad_services=frozenset(each.service for each in bad),
            good_services=good,
            first_bad_at=min(each.bad_since for each in bad),
            actionable=True,
        )
    unsure = [each for each in opinions if each.verdict is Verdict.UNKNOWN]
    if unsure:
        return Judgement(verdict=Verdict.UNKNOWN, reason="; ".join(each.reason for each in unsure), good_services=good)
    return Judgement(verdict=Verdict.HEALTHY, reason="; ".join(each.reason for each in opinions), good_services=good)


def _voice(seen: Sequence[Evidence], service: Service, *, since: float | None, needed: int) -> _Voice:
    """What one observer says of *service*; *seen* is newest first and not empty."""
    readings = [_reading(each, service) for each in seen]
    newest = readings[0].verdict
    bad = [index for index, reading in enumerate(readings) if reading.verdict is Verdict.UNHEALTHY]
    # Whoever sees the end of a fault does not speak for it.
    first = seen[0].observed_at if since is None else since
    recent = {reading.verdict for each, reading in zip(seen, readings, strict=True) if each.observed_at >= first}
    if len(bad) >= needed and Verdict.HEALTHY not in recent:
        detail, bad_since = readings[bad[0]].detail, seen[bad[-1]].observed_at
        return _Voice(verdict=Verdict.UNHEALTHY, detail=detail, newest=newest, bad_since=bad_since)
    good = [reading for reading in readings if reading.verdict is Verdict.HEALTHY]
    # The newest look has to be good: a vantage point that begins to see the fault must not speak against it.
    if len(good) >= needed and newest is Verdict.HEALTHY:
        return _Voice(verdict=Verdict.HEALTHY, detail=readings[0].detail, newest=newest)
    return _Voice(verdict=Verdict.UNKNOWN, detail=readings[0].detail, newest=newest)


def _reading(evidence: Evidence, service: Service) -> Reading:
    if not evidence.front_door:
        return unknown("does not reach the front door either")
    return evidence.services.get(service, unknown("does not look at it"))


def _opinion(service: Service, voices: Mapping[str, _Voice], *, policy: Policy) -> _Opinion:
    bad, good, none = (
        {observer: voice for observer, voice in voices.items() if voice.verdict is verdict}
        for verdict in (Verdict.UNHEALTHY, Verdict.HEALTHY, Verdict.UNKNOWN)
    )
    # Whoever sees it well now has a word against a fault before it has K looks for its health.
    well = [observer for observer, voice in voices.items() if voice.newest is Verdict.HEALTHY]
    reason = f"{service}: unhealthy for {_list(bad)}, healthy for {_list(good)}, undecided for {_list(none)}"
    if _agree(bad, policy=policy) and not _agree(well, policy=policy):
        verdict = Verdict.UNHEALTHY
    elif _agree(good, policy=policy) and not _agree(bad, policy=policy):
        verdict = Verdict.HEALTHY
    else:
        verdict = Verdict.UNKNOWN
        reason += f": no {policy.vantage_points} vantage points, one of them a prober, agree uncontradicted"
    bad_since = min((voice.bad_since for voice in bad.values()), default=math.inf)
    return _Opinion(service=service, verdict=verdict, reason=reason, bad_since=bad_since)


def _agree(observers: Iterable[str], *, policy: Policy) -> bool:
    names = list(observers)
    return len(names) >= policy.vantage_points and any(is_prober(name) for name in names)


def _list(voices: Mapping[str, _Voice]) -> str:
    return ", ".join(f"{observer} ({voice.detail})" for observer, voice in voices.items()) or "nobody"
