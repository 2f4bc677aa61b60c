"""The cases of the matrix: what fails while a task runs its job.

A case is data.  What befalls clusters is done by rows of the fault table, in the groups below; what befalls one task's
requests on their way is done by its own line to the front door (:mod:`emr_drill.airflow_matrix.lines`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from emr_drill.airflow_matrix.outcomes import Outcome

# Machine seconds, as everything here: operators, sockets and Spark run on machine time.
AWAY_SECONDS = 60.0
# Longer than four requests that give up after REQUEST_LIMIT_SECONDS.
HOLE_SECONDS = 45.0
# In the connection's extra.  Without it a stock task waits for a silent front door for ever.
REQUEST_LIMIT_SECONDS = 10
# Where an answer is held until a cluster dies: the client must still be there when it does.
PATIENT_LIMIT_SECONDS = 300
POLLING_SECONDS = 5
SHORT_SECONDS = 20.0
# Until every task of a group has its job; past it the fault strikes whoever is there.
POSITION_LIMIT_SECONDS = 300.0
# A job that is still to run when the fault strikes, however long the others take to be there.
LONG_SECONDS = POSITION_LIMIT_SECONDS + 60.0
# Until after the cut-over at speed 5, and not until the end of what a drill gives jobs to drain.
PLANNED_SECONDS = 150.0


class Group(StrEnum):
    """What is done to the clusters while the jobs of a group run."""

    WIRE = "wire"
    LIVY_RESTART = "livy-restart"
    DIES = "dies"
    SWITCHOVER = "switchover"
    UPGRADE = "upgrade"


# The row of the fault table that is carried out; nothing where only requests fail.
ROWS: Mapping[Group, str] = {
    Group.WIRE: "none",
    Group.LIVY_RESTART: "restart-livy",
    Group.DIES: "kill-primary",
    Group.SWITCHOVER: "switchover",
    Group.UPGRADE: "upgrade",
}


DIES_AFTER_ANSWER, DIES_AFTER_END = "dies-after-answer", "dies-after-end"


class Request(StrEnum):
    """What a request of a client is for."""

    SUBMIT = "submit"
    POLL = "poll"
    DELETE = "delete"
    LOG = "log"
    NAME = "name"
    PROBE = "probe"  # asks for an id that is not the client's


class Action(StrEnum):
    """What a line does with a request.

    Attributes:
        ANSWER_AFTER: the front door gets it; when the fault has struck, the client gets a 502.
        ASK_AFTER: the front door gets it when the fault has struck.
        AWAY: the connection breaks, and further ones are refused, for a while.
        HANG: nobody gets it and no answer comes, for a while.
        STATUS: nobody gets it, the client gets a status.
        TAKEN: the front door gets it, the client gets a status.
        PAGE: the front door gets it, the client gets status 200 and a page of HTML.
        GHOST: before it, the front door gets one that Livy refuses while starting it, and that keeps the name.
        FORGET: it waits until the batch has ended and Livy has forgotten it, as it does when its time is over.
    """

    ANSWER_AFTER = "answer after"
    ASK_AFTER = "ask after"
    AWAY = "away"
    HANG = "hang"
    STATUS = "status"
    TAKEN = "taken"
    PAGE = "page"
    GHOST = "ghost"
    FORGET = "forget"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mishap:
    """What a line does with some requests.

    Attributes:
        request: which kind.
        action: what.
        after: how many of that kind go through before.
        times: how many are met; those of a while are met until it is over.
        seconds: how long, where it is for a while.
        status: that the client gets.
    """

    request: Request
    action: Action
    after: int = 0
    times: int = 1
    seconds: float = 0.0
    status: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Attributes:
        name: for reports and the command line.
        what: what happens, for people.
        group: what is done to the clusters meanwhile.
        mishaps: what is done to its requests, in order.
        seconds: how long its job runs.
        killed_after: when its task is killed, from its start; ``None`` to let it run.
        request_limit: in the connection's extra.
        polls: how many polls must have gone through before the fault strikes.
        expected: what may become of a run with our operator, whether or not the fault struck it.
    """

    name: str
    what: str
    group: Group = Group.WIRE
    mishaps: tuple[Mishap, ...] = ()
    seconds: float = SHORT_SECONDS
    killed_after: int | None = None
    request_limit: int = REQUEST_LIMIT_SECONDS
    polls: int = 1
    expected: frozenset[Outcome] = frozenset({Outcome.RIGHT})

    @property
    def held(self) -> bool:
        """Whether its client waits for an answer when the fault strikes."""
        return any(one.action in (Action.ANSWER_AFTER, Action.ASK_AFTER) for one in self.mishaps)


def _submit(action: Action, *, times: int = 1, seconds: float = 0.0, status: int = 0) -> Mishap:
    return Mishap(request=Request.SUBMIT, action=action, times=times, seconds=seconds, status=status)


def _poll(action: Action, *, after: int = 1, times: int = 1, seconds: float = 0.0, status: int = 0) -> Mishap:
    return Mishap(request=Request.POLL, action=action, after=after, times=times, seconds=seconds, status=status)


_ALL: tuple[Case, ...] = (
    Case(
        name="dies-before-answer",
        what="the cluster has the job and dies before its submit is answered",
        group=Group.DIES,
        mishaps=(_submit(Action.ANSWER_AFTER),),
        seconds=LONG_SECONDS,
        request_limit=PATIENT_LIMIT_SECONDS,
        polls=0,
    ),
    Case(
        name=DIES_AFTER_ANSWER,
        what="the cluster dies between the submit's answer and the first poll",
        group=Group.DIES,
        mishaps=(_poll(Action.ASK_AFTER, after=0),),
        seconds=LONG_SECONDS,
        request_limit=PATIENT_LIMIT_SECONDS,
        polls=0,
    ),
    Case(
        name="dies-mid-poll",
        what="the cluster dies while its job is polled",
        group=Group.DIES,
        seconds=LONG_SECONDS,
        polls=2,
    ),
    Case(
        name="dies-at-kill",
        what="the task is killed when the cluster is dead and nobody has noticed, or not all has come of it",
        group=Group.DIES,
        seconds=LONG_SECONDS,
        killed_after=120,
        polls=2,
    ),
    Case(
        name=DIES_AFTER_END,
        what="the job ends, and its cluster dies before the task has seen that",
        group=Group.DIES,
        mishaps=(_poll(Action.ASK_AFTER, after=0),),
        request_limit=PATIENT_LIMIT_SECONDS,
        polls=0,
        # Whoever asks is told that the cluster is gone, and nobody knows what its jobs had done: it is run again.
        expected=frozenset({Outcome.RIGHT, Outcome.DOUBLED}),
    ),
    Case(
        name="away-at-submit",
        what=f"the front door takes no connection for {AWAY_SECONDS:.0f} s, from the submit on",
        mishaps=(_submit(Action.AWAY, seconds=AWAY_SECONDS),),
    ),
    Case(
        name="away-at-poll",
        what=f"the front door takes no connection for {AWAY_SECONDS:.0f} s, from the second poll on",
        mishaps=(_poll(Action.AWAY, seconds=AWAY_SECONDS),),
    ),
    Case(
        name="livy-restart",
        what="Livy is restarted while it has the job: away, then recovering",
        group=Group.LIVY_RESTART,
        seconds=LONG_SECONDS,
    ),
    Case(
        name="ghost",
        what="the job's name is held by an entry that Livy left when it failed to start it",
        mishaps=(_submit(Action.GHOST),),
    ),
    Case(
        name="expired",
        what="the job ends, and Livy forgets it before the next poll",
        mishaps=(_poll(Action.FORGET),),
        request_limit=PATIENT_LIMIT_SECONDS,
        # Nobody can know how it ended, so that a person has to look.
        expected=frozenset({Outcome.RIGHT, Outcome.DISTURBED}),
    ),
    Case(
        name="hole-at-submit",
        what=f"the front door is silent for {HOLE_SECONDS:.0f} s, from the submit on",
        mishaps=(_submit(Action.HANG, seconds=HOLE_SECONDS),),
    ),
    Case(
        name="hole-at-poll",
        what=f"the front door is silent for {HOLE_SECONDS:.0f} s, from the second poll on",
        mishaps=(_poll(Action.HANG, seconds=HOLE_SECONDS),),
    ),
    Case(
        name="5xx-at-submit",
        what="the submit is answered 503, then 502 although Livy has the job",
        mishaps=(_submit(Action.STATUS, status=503), _submit(Action.TAKEN, status=502)),
    ),
    Case(
        name="5xx-at-poll",
        what="three polls are answered 502, 503 and 504",
        mishaps=tuple(_poll(Action.STATUS, after=number == 0, status=502 + number) for number in range(3)),
    ),
    Case(
        name="page-at-submit",
        what="the submit is answered with a page of HTML, although Livy has the job",
        mishaps=(_submit(Action.PAGE),),
    ),
    Case(
        name="page-at-poll",
        what="two polls are answered with a page of HTML",
        mishaps=(_poll(Action.PAGE, times=2),),
    ),
    Case(
        name="switchover",
        what="a person moves the cluster to another AZ",
        group=Group.SWITCHOVER,
        seconds=PLANNED_SECONDS,
    ),
    Case(
        name="upgrade",
        what="a deploy replaces the cluster by one with another setting",
        group=Group.UPGRADE,
        seconds=PLANNED_SECONDS,
    ),
)
CASES: Mapping[str, Case] = {case.name: case for case in _ALL}
