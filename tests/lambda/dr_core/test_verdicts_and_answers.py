"""A11, A12, A14: the rules as one table, from what is seen to what is done.

A row of looks reads from left to right, oldest first, one character a round of 10 s, the last one *now*:
``+`` healthy, ``-`` unhealthy, ``?`` our own call failed, ``!`` the prober does not reach the front door either,
``*`` its clock is a minute ahead, a dot no look at all.  A, B and C are the probers of three AZs, L is target health.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest

from dr_core.config import Policy
from dr_core.controls import Controls
from dr_core.evidence import LOAD_BALANCER, Evidence, Reading, Service, Verdict, healthy, unhealthy, unknown
from dr_core.incidents import MAXIMUM_ATTEMPTS, Action, Situation, respond
from dr_core.record import Incarnation, IncarnationState, Incident, IncidentState, ManagedCluster, Operation, Outcome
from dr_core.restraints import DeploymentView, kept_back
from dr_core.verdicts import Termination, consider_termination, judge

NOW = 1_795_230_625.0
POLICY = Policy()  # 3 of the last 4 rounds of 10 s, two vantage points
HEALTHY, UNHEALTHY, UNKNOWN = Verdict.HEALTHY, Verdict.UNHEALTHY, Verdict.UNKNOWN
NOTHING, OPEN, START, CLOSE, GIVE_UP = Action.NOTHING, Action.OPEN, Action.START, Action.CLOSE, Action.GIVE_UP

READINGS: dict[str, Reading] = {
    "+": healthy("fine"),
    "-": unhealthy("connection refused"),
    "?": unknown("could not ask"),
    "!": unhealthy("no whole answer within 3 s"),
    "*": unhealthy("connection refused"),
}
OBSERVERS = {"A": "prober:a", "B": "prober:b", "C": "prober:c", "L": LOAD_BALANCER}

SERVING = Incarnation(
    generation=1, managed_cluster="a", state=IncarnationState.SERVING, cluster_id="j-1", serving_from=NOW - 3600
)
INCIDENT = Incident(
    managed_cluster="a", incident="a-1", state=IncidentState.OPEN, since=NOW - 600, first_bad_at=NOW - 630
)
OPERATION = Operation(id="a-1-1", request="{}", managed_cluster="a", execution="arn", started_at=NOW - 590)
ONCE = replace(INCIDENT, attempts=1)
ALL_DEAD = {"A": "+---", "B": "+---", "C": "+---", "L": "++--"}
ALL_WELL = {"A": "++++", "B": "++++", "C": "++++", "L": "++++"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A situation and what has to come of it.

    Attributes:
        words: the situation in words.
        seen: looks at Livy by observer; the other services are healthy in every look.
        verdict: on the incarnation.
        action: what the monitor does in this round.
        incarnation: the one in service.
        termination: what EMR says of its end.
        incident: the latest of its managed cluster.
        operation: the latest of that incident.
        lease_held: whether another operation works on the managed cluster.
        view: of the deployment.
    """

    words: str
    seen: Mapping[str, str]
    verdict: Verdict
    action: Action
    incarnation: Incarnation = SERVING
    termination: Termination | None = None
    incident: Incident | None = None
    operation: Operation | None = None
    lease_held: bool = False
    view: DeploymentView = field(default_factory=DeploymentView)


def row(words: str, seen: Mapping[str, str], verdict: Verdict, action: Action, **more: object) -> Row:
    return Row(words=words, seen=seen, verdict=verdict, action=action, **more)  # type: ignore[arg-type]


ROWS = [
    # Vantage points: each prober with good controls, and target health.  Two must agree, one of them a prober.
    row("all is well", ALL_WELL, HEALTHY, NOTHING),
    row("Livy died half a minute ago", ALL_DEAD, UNHEALTHY, OPEN),
    row("only one prober sees it dead: that AZ's network", {**ALL_WELL, "A": "----"}, HEALTHY, NOTHING),
    row(
        "two probers see it dead, one prober and target health see it well",
        {**ALL_DEAD, "C": "++++", "L": "++++"},
        UNKNOWN,
        NOTHING,
    ),
    row("target health alone sees it dead", {**ALL_WELL, "L": "----"}, HEALTHY, NOTHING),
    row("target health alone can see at all", {"L": "----"}, UNKNOWN, NOTHING),
    row("the AZ died with its prober; the two others see it dead", {"B": "+---", "C": "+---"}, UNHEALTHY, OPEN),
    row("one prober is left, and target health agrees with it", {"B": "+---", "L": "----"}, UNHEALTHY, OPEN),
    row("one prober is left, and target health has not turned yet", {"B": "+---", "L": "+++-"}, UNKNOWN, NOTHING),
    # K of the last N rounds.
    row(
        "one look failed everywhere: a pause of its garbage collector",
        {name: "+++-" for name in "ABCL"},
        UNKNOWN,
        NOTHING,
    ),
    row("two looks failed everywhere", {name: "++--" for name in "ABCL"}, UNKNOWN, NOTHING),
    row("it answers every second time", {name: "+-+-" for name in "ABCL"}, UNKNOWN, NOTHING),
    row("it is back for one round", {name: "---+" for name in "ABCL"}, UNKNOWN, NOTHING),
    row(
        "three looks failed at two probers by chance, the others begin to see it well",
        {"A": "----", "B": "----", "C": "---+", "L": "--++"},
        UNKNOWN,
        NOTHING,
    ),
    row("it is back for three rounds", {name: "-+++" for name in "ABCL"}, HEALTHY, NOTHING),
    # A control: whoever does not reach the front door says nothing.  Errors of our own calls say nothing.
    row(
        "the probers' network is gone, target health sees it well",
        {"A": "!!!!", "B": "!!!!", "C": "!!!!", "L": "++++"},
        UNKNOWN,
        NOTHING,
    ),
    row(
        "the probers' network is gone, and target health sees it dead",
        {"A": "!!!!", "B": "!!!!", "C": "!!!!", "L": "----"},
        UNKNOWN,
        NOTHING,
    ),
    row("one prober's network is gone, the others see it dead", {**ALL_DEAD, "A": "!!!!"}, UNHEALTHY, OPEN),
    row("our own calls fail", {name: "????" for name in "ABCL"}, UNKNOWN, NOTHING),
    row("nobody has looked", {}, UNKNOWN, NOTHING),
    # Late, doubled, missing, misdated.
    row(
        "each schedule fired late: two rounds are missing", {"A": "---..", "B": "---..", "C": "---.."}, UNHEALTHY, OPEN
    ),
    row("all probers fell silent half a minute ago", {"A": "---...", "B": "---...", "L": "+---"}, UNKNOWN, NOTHING),
    row(
        "a clock is a minute ahead: its word is of nobody knows when",
        {"A": "****", "B": "----", "L": "++++"},
        UNKNOWN,
        NOTHING,
    ),
    row("the others do not need it", {**ALL_DEAD, "A": "****"}, UNHEALTHY, OPEN),
    # New in service, or just mended: what was seen before does not count.
    row(
        "it came into service a moment ago",
        ALL_DEAD,
        UNKNOWN,
        NOTHING,
        incarnation=replace(SERVING, serving_from=NOW - 30),
    ),
    row(
        "Livy was restarted a moment ago",
        ALL_DEAD,
        UNKNOWN,
        NOTHING,
        incarnation=replace(SERVING, repaired_at=NOW - 30),
    ),
    # A person.
    row(
        "a person ended the cluster: whoever does that wants no other",
        ALL_DEAD,
        UNHEALTHY,
        NOTHING,
        termination=Termination(code="USER_REQUEST", message="Terminated by user request"),
    ),
    row(
        "we ended it ourselves, before the controller died",
        ALL_DEAD,
        UNHEALTHY,
        OPEN,
        termination=Termination(code="USER_REQUEST", message="Terminated by user request"),
        incarnation=replace(SERVING, terminate_requested_at=NOW - 5),
    ),
    row(
        "a person ended it, and a failover by hand asked for the end of what had ended",
        ALL_DEAD,
        UNHEALTHY,
        NOTHING,
        termination=Termination(code="USER_REQUEST", message="Terminated by user request", ended_at=NOW - 600),
        incarnation=replace(SERVING, terminate_requested_at=NOW - 5),
    ),
    row(
        "EMR lost its machine",
        ALL_DEAD,
        UNHEALTHY,
        OPEN,
        termination=Termination(code="INSTANCE_FAILURE", message="lost"),
    ),
    row(
        "automatic operations are paused",
        ALL_DEAD,
        UNHEALTHY,
        NOTHING,
        incident=INCIDENT,
        view=DeploymentView(controls=Controls(paused=True)),
    ),
    # An incident is answered once at a time, a bounded number of times.
    row("an open incident is answered", ALL_DEAD, UNHEALTHY, START, incident=INCIDENT),
    row("its operation runs", ALL_DEAD, UNHEALTHY, NOTHING, incident=ONCE, operation=OPERATION),
    row("an upgrade runs", ALL_DEAD, UNHEALTHY, NOTHING, incident=INCIDENT, lease_held=True),
    row("it is well again before anything was started", ALL_WELL, HEALTHY, CLOSE, incident=INCIDENT),
    row("nobody can tell before anything was started", {}, UNKNOWN, NOTHING, incident=INCIDENT),
    row(
        "its operation failed",
        ALL_DEAD,
        UNHEALTHY,
        START,
        incident=ONCE,
        operation=replace(OPERATION, outcome=Outcome.FAILED),
    ),
    row(
        "its operation failed, and nobody can tell",
        {},
        UNKNOWN,
        NOTHING,
        incident=ONCE,
        operation=replace(OPERATION, outcome=Outcome.FAILED),
    ),
    row(
        "Livy was restarted by it",
        ALL_WELL,
        HEALTHY,
        CLOSE,
        incident=ONCE,
        operation=replace(OPERATION, outcome=Outcome.REPAIRED),
    ),
    row(
        "a second look did not confirm it",
        ALL_WELL,
        HEALTHY,
        CLOSE,
        incident=ONCE,
        operation=replace(OPERATION, outcome=Outcome.CANCELLED),
    ),
    row(
        "three operations did not mend it",
        ALL_DEAD,
        UNHEALTHY,
        GIVE_UP,
        incident=replace(INCIDENT, attempts=MAXIMUM_ATTEMPTS),
        operation=replace(OPERATION, outcome=Outcome.FAILED),
    ),
    # Restraints of the whole deployment.
    row(
        "one failover a while ago",
        ALL_DEAD,
        UNHEALTHY,
        START,
        incident=INCIDENT,
        view=DeploymentView(automatic_failovers=(NOW - 900,)),
    ),
    row(
        "two failovers within two hours",
        ALL_DEAD,
        UNHEALTHY,
        NOTHING,
        incident=INCIDENT,
        view=DeploymentView(automatic_failovers=(NOW - 3600, NOW - 900)),
    ),
    row(
        "two, and the first was more than two hours ago",
        ALL_DEAD,
        UNHEALTHY,
        START,
        incident=INCIDENT,
        view=DeploymentView(automatic_failovers=(NOW - 7300, NOW - 900)),
    ),
    row(
        "two, and a person has taken note of them",
        ALL_DEAD,
        UNHEALTHY,
        START,
        incident=INCIDENT,
        view=DeploymentView(automatic_failovers=(NOW - 3600, NOW - 900), controls=Controls(acknowledged_at=NOW - 60)),
    ),
    row(
        "eight clusters were launched today",
        ALL_DEAD,
        UNHEALTHY,
        NOTHING,
        incident=INCIDENT,
        view=DeploymentView(automatic_launches=(NOW - 9000,) * 8),
    ),
    row(
        "restraints do not keep an incident open",
        ALL_WELL,
        HEALTHY,
        CLOSE,
        incident=INCIDENT,
        view=DeploymentView(controls=Controls(paused=True)),
    ),
]


def evidence(seen: Mapping[str, str]) -> list[Evidence]:
    return [
        Evidence(
            incarnation="g000001",
            observer=OBSERVERS[name],
            observed_at=NOW - age * POLICY.round_seconds + (60 if sign == "*" else 0),
            services={**dict.fromkeys(Service, READINGS["+"]), Service.LIVY: READINGS[sign]},
            front_door=sign != "!",
        )
        for name, looks in seen.items()
        for age, sign in enumerate(reversed(looks))
        if sign != "."
    ]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.words)
def test_what_is_done_when(row: Row) -> None:
    incarnation = row.incarnation
    judgement = consider_termination(
        judge(evidence(row.seen), now=NOW, policy=POLICY, serving_from=incarnation.judged_from),
        row.termination,
        asked_at=incarnation.terminate_requested_at,
    )
    situation = Situation(
        managed_cluster=ManagedCluster(name="a", serving_generation=1),
        incident=row.incident,
        operation=row.operation,
        lease_held=row.lease_held,
        kept_back=kept_back(row.view, now=NOW, policy=POLICY),
    )

    assert judgement.verdict is row.verdict
    assert respond(judgement, situation, now=NOW).action is row.action
