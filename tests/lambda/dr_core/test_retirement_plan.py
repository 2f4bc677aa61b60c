"""How long a planned retirement waits, when an incarnation counts as fenced, and what its stack needs."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any

import pytest

from dr_core.evidence import Service
from dr_core.retirement_plan import (
    CLUSTER_ENDED,
    CLUSTER_ENDING,
    DOUBT_SECONDS,
    SETTLE_SECONDS,
    SUBMIT_SECONDS,
    Drain,
    DrainSeen,
    Fence,
    FenceSeen,
    StackDeletion,
    Work,
    ends_gently,
    hidden_for_sure,
    judge_drain,
    judge_fence,
    judge_stack,
    linger_left,
    planned_still,
)


def fenced(
    *,
    cluster_state: str = "TERMINATING",
    reachable: bool = False,
    running: int = 0,
    lost_nodes: int | None = 0,
    started_at: float | None = 100,
    ready_at: float | None = 400,
    active_nodes: int | None = 2,
    nodes_last_seen: int | None = 2,
    waited: float = 0,
    out_of_service_at: float | None = None,
) -> Fence:
    """The judgement, *waited* seconds after the end was requested."""
    seen = FenceSeen(
        cluster_state=cluster_state,
        resource_manager_reachable=reachable,
        running_applications=running,
        lost_nodes=lost_nodes,
        started_at=started_at,
        active_nodes=active_nodes,
        ready_at=ready_at,
        nodes_last_seen=nodes_last_seen,
        requested_at=1000,
        out_of_service_at=out_of_service_at,
    )
    return judge_fence(seen=seen, now=1000 + waited, limit=300)


@pytest.mark.parametrize("state", ["TERMINATED", "TERMINATED_WITH_ERRORS", ""])
def test_a_cluster_that_ended_is_fenced(state: str) -> None:
    """Nothing can run on instances that are gone; nor on a cluster that never was."""
    assert fenced(cluster_state=state) is Fence.CLOSED


@pytest.mark.parametrize("state", ["WAITING", "RUNNING", "TERMINATING"])
def test_a_cluster_that_lives_is_not_fenced(state: str) -> None:
    """Containers of a dead primary write on until EMR says that they are gone."""
    assert fenced(cluster_state=state) is Fence.OPEN


def test_an_empty_list_of_applications_is_proof() -> None:
    """The ResourceManager knows what runs."""
    assert fenced(reachable=True, waited=SUBMIT_SECONDS) is Fence.CLOSED


def test_an_empty_list_is_no_proof_while_a_submission_may_be_under_way() -> None:
    """Livy's spark-submit takes seconds from its start to the application in the list."""
    assert fenced(reachable=True, waited=SUBMIT_SECONDS - 0.1) is Fence.OPEN


@pytest.mark.parametrize(
    ("out_of_service_at", "proved_after"),
    [
        (None, SUBMIT_SECONDS),  # it never served
        (1000 - SETTLE_SECONDS, SUBMIT_SECONDS),
        (1000, SETTLE_SECONDS + SUBMIT_SECONDS),
        (1040, 40 + SETTLE_SECONDS + SUBMIT_SECONDS),
    ],
)
def test_an_empty_list_is_no_proof_while_a_job_may_still_come(
    out_of_service_at: float | None, proved_after: float
) -> None:
    """A14: its Livy answers, and the load balancer's nodes learn last that it went out of service."""
    for seconds, fence in ((proved_after - 0.1, Fence.OPEN), (proved_after, Fence.CLOSED)):
        assert fenced(reachable=True, waited=seconds, out_of_service_at=out_of_service_at) is fence


def test_a_running_application_is_not_fenced() -> None:
    """It was told to end and has not."""
    assert fenced(reachable=True, running=1, waited=SUBMIT_SECONDS) is Fence.OPEN


@pytest.mark.parametrize(
    ("rule", "lost_nodes", "fence"),
    [
        ("every node has heard that its containers end", 0, Fence.CLOSED),
        ("a lost node hears of nothing, and its containers write on", 1, Fence.OPEN),
        ("nobody knows whether there is one", None, Fence.OPEN),
    ],
)
def test_an_empty_list_is_proof_only_of_nodes_that_hear(rule: str, lost_nodes: int | None, fence: Fence) -> None:
    """A14: the ResourceManager calls an application killed without waiting for its nodes' word."""
    assert fenced(reachable=True, lost_nodes=lost_nodes, waited=SUBMIT_SECONDS) is fence, rule


@pytest.mark.parametrize(
    ("rule", "started_at", "ready_at", "fence"),
    [
        ("it has known every job of the cluster", 400, 400, Fence.CLOSED),
        ("one that was started again has forgotten what runs, and which nodes it had lost", 400.1, 400, Fence.OPEN),
        ("it was started again after the fault", 1010, 400, Fence.OPEN),
        ("it does not say when it was started, or its prober is of the version before", None, 400, Fence.OPEN),
        ("nobody knows when the cluster was ready", 100, None, Fence.OPEN),
    ],
)
def test_only_a_resource_manager_that_was_never_started_again_is_believed(
    rule: str, started_at: float | None, ready_at: float | None, fence: Fence
) -> None:
    """A14: applications and lost nodes are counted in its memory; containers go on without it."""
    assert fenced(reachable=True, started_at=started_at, ready_at=ready_at, waited=SUBMIT_SECONDS) is fence, rule


@pytest.mark.parametrize(
    ("rule", "active_nodes", "nodes_last_seen", "fence"),
    [
        ("it reaches every node that it had", 2, 2, Fence.CLOSED),
        ("managed scaling has given it more", 3, 2, Fence.CLOSED),
        ("nobody knows what became of one", 1, 2, Fence.OPEN),
        ("it has none at all", 0, 2, Fence.OPEN),
        ("its prober is of the version before", None, 2, Fence.OPEN),
        ("no prober has seen any", 2, None, Fence.OPEN),
    ],
)
def test_an_empty_list_is_proof_only_of_as_many_nodes_as_there_were(
    rule: str, active_nodes: int | None, nodes_last_seen: int | None, fence: Fence
) -> None:
    """A14: what runs on a node that it has not is not on its list."""
    judged = fenced(reachable=True, active_nodes=active_nodes, nodes_last_seen=nodes_last_seen, waited=SUBMIT_SECONDS)
    assert judged is fence, rule


def test_the_wait_for_one_that_was_started_again_is_bounded() -> None:
    """A14: with an alarm, unless EMR says before that its instances are gone."""
    assert fenced(reachable=True, started_at=500, waited=299.9) is Fence.OPEN
    assert fenced(reachable=True, started_at=500, waited=300) is Fence.OVERDUE
    assert fenced(cluster_state="TERMINATED", reachable=True, started_at=500) is Fence.CLOSED


def test_the_wait_for_a_lost_node_is_bounded() -> None:
    """A14: with an alarm, unless EMR says before that its instances are gone."""
    assert fenced(reachable=True, lost_nodes=1, waited=300) is Fence.OVERDUE
    assert fenced(cluster_state="TERMINATED", reachable=True, lost_nodes=1) is Fence.CLOSED


def test_silence_is_no_proof() -> None:
    """Nobody who answers "none" is not the same as "none"."""
    assert fenced(reachable=False, waited=SUBMIT_SECONDS) is Fence.OPEN


@pytest.mark.parametrize(("waited", "fence"), [(299.9, Fence.OPEN), (300, Fence.OVERDUE)])
def test_the_wait_for_a_proof_is_bounded(waited: float, fence: Fence) -> None:
    """With an alarm: clients must learn some time that their jobs are lost."""
    assert fenced(waited=waited) is fence


def test_proof_goes_before_the_bound() -> None:
    """No alarm where there is certainty."""
    assert fenced(cluster_state="TERMINATED", waited=1000) is Fence.CLOSED


@pytest.mark.parametrize(
    ("status", "deletion"),
    [
        ("", StackDeletion.GONE),
        ("DELETE_COMPLETE", StackDeletion.GONE),
        ("DELETE_IN_PROGRESS", StackDeletion.WAIT),
        ("DELETE_FAILED", StackDeletion.DELETE),
        ("CREATE_COMPLETE", StackDeletion.DELETE),
        ("CREATE_IN_PROGRESS", StackDeletion.DELETE),
        ("ROLLBACK_COMPLETE", StackDeletion.DELETE),
    ],
)
def test_what_a_stack_needs(status: str, deletion: StackDeletion) -> None:
    """A failed deletion is repeated; a stack may be deleted while it is being created."""
    assert judge_stack(status) is deletion


def drained(
    *,
    work: Work,
    waited: float = 3600,
    ending: bool = False,
    evicted: bool = False,
    ends_now: bool = False,
    limit: float = 14_400,
    bad: Collection[Service] = (),
    watched: float | None = None,
) -> Drain:
    """The judgement, *waited* seconds after the incarnation went out of service, *watched* after the first look."""
    seen = DrainSeen(
        work=work,
        cluster_ending=ending,
        evicted=evicted,
        ends_now=ends_now,
        out_of_service_at=1000,
        watched_from=1000 if watched is None else 1000 + waited - watched,
        bad_services=bad,
    )
    return judge_drain(seen=seen, now=1000 + waited, limit=limit)


NOT_KNOWN = Work(unknown={"livy": "connection refused"})
KNOWN = [Work(batches=(7,)), Work(sessions=(7,)), Work(applications=("application_1_1",))]
BUSY = [*KNOWN, NOT_KNOWN]


@pytest.mark.parametrize("work", BUSY, ids=str)
def test_what_has_work_is_waited_for(work: Work) -> None:
    """B11: also for what nobody could read."""
    assert drained(work=work) is Drain.WAIT


def test_what_has_no_work_is_drained() -> None:
    """B11: every batch, session and application came to its end."""
    assert drained(work=Work()) is Drain.DRAINED


@pytest.mark.parametrize(("waited", "decision"), [(SETTLE_SECONDS - 0.1, Drain.WAIT), (SETTLE_SECONDS, Drain.DRAINED)])
def test_jobs_may_still_come_for_a_while(waited: float, decision: Drain) -> None:
    """A14: a node of the load balancer may not know yet that it went out of service."""
    assert drained(work=Work(), waited=waited) is decision


@pytest.mark.parametrize(("watched", "decision"), [(SETTLE_SECONDS - 0.1, Drain.WAIT), (SETTLE_SECONDS, Drain.DRAINED)])
def test_a_cut_over_may_take_what_it_replaces_out_late(watched: float, decision: Drain) -> None:
    """A14: its function died after the record and was called again; jobs came until then."""
    assert drained(work=Work(), waited=3600, watched=watched) is decision


def test_the_limit_does_not_begin_anew_with_the_retirement() -> None:
    """A14: a retirement that was lost and started again goes on."""
    assert drained(work=BUSY[0], waited=14_400, watched=0) is Drain.OVERDUE


def test_a_limit_of_nothing_waits_for_nobody() -> None:
    """Who sets it wants the end at once, and no alarm where nothing runs."""
    assert drained(work=Work(), waited=0, limit=0) is Drain.DRAINED


@pytest.mark.parametrize("work", KNOWN, ids=str)
@pytest.mark.parametrize(("waited", "decision"), [(14_399.9, Drain.WAIT), (14_400, Drain.OVERDUE)])
def test_the_drain_has_a_limit(work: Work, waited: float, decision: Drain) -> None:
    """A forgotten session would hold its cluster for ever."""
    assert drained(work=work, waited=waited) is decision


@pytest.mark.parametrize("work", BUSY, ids=str)
@pytest.mark.parametrize("waited", [0, 20_000])
def test_an_eviction_ends_the_drain(work: Work, waited: float) -> None:
    """A12: a failover waits for the slot."""
    assert drained(work=work, waited=waited, evicted=True) is Drain.EVICTED


@pytest.mark.parametrize(
    ("waited", "decision"), [(14_400 + DOUBT_SECONDS - 0.1, Drain.WAIT), (14_400 + DOUBT_SECONDS, Drain.OVERDUE)]
)
def test_what_one_look_did_not_show_is_looked_at_again_before_it_is_ended(waited: float, decision: Drain) -> None:
    """B13: every job is named before it is ended; a cluster that never answers is ended too."""
    assert drained(work=Work(batches=(7,), unknown={"resource_manager": "busy"}), waited=waited) is decision


@pytest.mark.parametrize(("watched", "decision"), [(DOUBT_SECONDS - 0.1, Drain.WAIT), (DOUBT_SECONDS, Drain.NOW)])
def test_a_person_waits_for_the_names_of_jobs_for_a_while(watched: float, decision: Drain) -> None:
    assert drained(work=NOT_KNOWN, waited=3600, watched=watched, ends_now=True) is decision


@pytest.mark.parametrize("work", KNOWN, ids=str)
def test_a_person_may_end_the_drain(work: Work) -> None:
    """B13: who evacuates an AZ may not have the time."""
    assert drained(work=work, waited=SETTLE_SECONDS, ends_now=True) is Drain.NOW


@pytest.mark.parametrize("work", BUSY, ids=str)
def test_whoever_ends_jobs_names_those_that_were_on_their_way_too(work: Work) -> None:
    """B13: a drill's evacuation ended a job that had come after the message."""
    assert drained(work=work, waited=SETTLE_SECONDS - 0.1, ends_now=True) is Drain.WAIT
    assert drained(work=work, waited=3600, watched=SETTLE_SECONDS - 0.1, ends_now=True) is Drain.WAIT


def test_a_person_ends_no_job_where_there_is_none() -> None:
    assert drained(work=Work(), ends_now=True) is Drain.DRAINED


def test_an_eviction_of_what_is_drained_ends_no_job() -> None:
    """Nobody has to be told of one."""
    assert drained(work=Work(), evicted=True) is Drain.DRAINED


@pytest.mark.parametrize("work", [Work(), *BUSY], ids=str)
@pytest.mark.parametrize("evicted", [True, False])
@pytest.mark.parametrize("waited", [0, 20_000])
def test_a_cluster_that_ends_is_not_waited_for(work: Work, evicted: bool, waited: float) -> None:
    """A14: nothing comes to its end there any more but by the cluster's own."""
    assert drained(work=work, ending=True, evicted=evicted, waited=waited) is Drain.CLUSTER_ENDING


LIVY, YARN, HDFS = Service.LIVY, Service.RESOURCE_MANAGER, Service.NAME_NODE
LIVY_SILENT = Work(unknown={LIVY: "connection refused"})
BOTH_SILENT = Work(unknown={LIVY: "connection refused", YARN: "connection refused"})


@pytest.mark.parametrize("waited", [SETTLE_SECONDS, 3600])
def test_a_dead_livy_on_an_idle_cluster_has_nothing_to_wait_for(waited: float) -> None:
    """B11: nobody restarts it, and its last application has ended."""
    assert drained(work=LIVY_SILENT, bad={LIVY}, waited=waited) is Drain.DRAINED


@pytest.mark.parametrize(
    ("work", "bad"),
    [
        (LIVY_SILENT, set()),
        (LIVY_SILENT, {YARN}),
        (LIVY_SILENT, {HDFS}),
        (replace(LIVY_SILENT, applications=("application_1_1",)), {LIVY}),
        (Work(batches=(7,)), {LIVY}),
        (BOTH_SILENT, {LIVY}),
        (BOTH_SILENT, {YARN, HDFS}),
        (Work(batches=(7,), unknown={YARN: "connection refused"}), {LIVY, YARN}),
        (replace(LIVY_SILENT, applications=("application_1_1",)), {LIVY, YARN}),
    ],
    ids=[
        "no verdict",
        "another service",
        "none that counts",
        "YARN runs something",
        "Livy answers",
        "nobody knows what YARN runs",
        "no verdict on Livy",
        "Livy answers, YARN is dead",
        "YARN answers",
    ],
)
def test_what_may_have_work_is_waited_for(work: Work, bad: set[Service]) -> None:
    """A14: a job that ends well is not killed for a service that does not answer for a while."""
    assert drained(work=work, bad=bad) is Drain.WAIT
    assert drained(work=work, bad=bad, waited=14_400 + DOUBT_SECONDS) is Drain.OVERDUE


def test_a_dead_livy_may_have_got_a_job_a_moment_ago() -> None:
    """A14: before it died, by a node of the load balancer that did not know yet."""
    assert drained(work=LIVY_SILENT, bad={LIVY}, waited=SETTLE_SECONDS - 0.1) is Drain.WAIT


@pytest.mark.parametrize("waited", [0, 3600, 14_400])
def test_what_is_dead_is_not_waited_for(waited: float) -> None:
    """B11: no client learns any more how a job of it ends."""
    assert drained(work=BOTH_SILENT, bad={LIVY, YARN}, waited=waited) is Drain.DEAD


def test_an_eviction_of_what_is_dead_is_told_as_one() -> None:
    """A12: nothing lingers then, and what runs is killed at once."""
    assert drained(work=BOTH_SILENT, bad={LIVY, YARN}, evicted=True) is Drain.EVICTED


def test_a_cluster_that_ends_is_not_told_as_dead() -> None:
    """It was ended by somebody."""
    assert drained(work=BOTH_SILENT, bad={LIVY, YARN}, ending=True) is Drain.CLUSTER_ENDING


def test_terminating_is_ending_and_not_ended() -> None:
    """Its services go away; its containers may still write."""
    assert {"TERMINATING"} == CLUSTER_ENDING - CLUSTER_ENDED


@pytest.mark.parametrize(
    ("drained_at", "hurried", "left"),
    [
        (None, False, 900),
        (None, True, 0),
        (1000, False, 800),
        (1000, True, 0),
        (200, False, 0),
        (201, False, 1),
        (0, False, 0),
    ],
)
def test_livy_stays_up_after_the_drain(drained_at: float | None, hurried: bool, left: float) -> None:
    """B6: a client that polls every 15 minutes reads its result too."""
    assert linger_left(drained_at=drained_at, hurried=hurried, now=1100, linger=900) == left


@pytest.mark.parametrize(
    ("served", "terminate_requested", "planned"),
    [(True, False, True), (True, True, False), (False, False, False), (False, True, False)],
)
def test_a_retirement_that_is_started_again_stays_what_it_was(
    served: bool, terminate_requested: bool, planned: bool
) -> None:
    """A14: its execution was lost, and its jobs must not be."""
    assert planned_still(served=served, terminate_requested=terminate_requested) is planned


GENTLE = {"planned": True, "evicted": False, "terminate_requested": False, "waited": 299.9, "limit": 300}


def test_a_planned_retirement_closes_ids_before_it_ends_the_cluster() -> None:
    """B6: no 5xx between the end of the last application and the 410."""
    assert ends_gently(**GENTLE)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changed", [{"planned": False}, {"evicted": True}, {"terminate_requested": True}, {"waited": 300}], ids=str
)
def test_a_cluster_is_ended_at_once_where_time_counts(changed: dict[str, Any]) -> None:
    """A12: where it failed, where a failover needs the slot, and where applications do not end."""
    assert not ends_gently(**{**GENTLE, **changed})


@pytest.mark.parametrize(
    ("work", "words"),
    [
        (Work(), "nothing"),
        (Work(batches=(7, 9)), "batches 7, 9"),
        (
            Work(sessions=(1,), applications=("application_1_1",)),
            "interactive sessions 1; applications application_1_1",
        ),
        (NOT_KNOWN, "not known: livy (connection refused)"),
        (
            Work(batches=(7,), unknown={"livy": "x", "resource_manager": "y"}),
            "batches 7; not known: livy (x), resource_manager (y)",
        ),
        (Work(batches=tuple(range(100))), f"batches {', '.join(map(str, range(100)))}"),
        (Work(batches=tuple(range(102))), f"batches {', '.join(map(str, range(100)))} and 2 more"),
    ],
)
def test_work_is_told_in_words(work: Work, words: str) -> None:
    """They go to people, whatever the length of the lists."""
    assert str(work) == words


@pytest.mark.parametrize("work", BUSY, ids=str)
def test_only_what_is_known_to_be_done_is_done(work: Work) -> None:
    """A14: silence is no proof."""
    assert Work().known_done
    assert not work.known_done


def test_a_message_names_every_job_of_a_busy_cluster() -> None:
    """B13: 150 batches and their applications."""
    work = Work(batches=tuple(range(150)), applications=tuple(f"application_1_{number}" for number in range(150)))

    assert " more" in str(work)
    assert work.in_full() == (
        f"batches {', '.join(map(str, range(150)))}; "
        f"applications {', '.join(f'application_1_{number}' for number in range(150))}"
    )


def test_a_message_has_room_for_what_it_names() -> None:
    """SNS API reference, Publish: 262,144 bytes; and what is left out is counted."""
    ids = tuple(range(1_001_000_000, 1_001_020_000))
    full = Work(batches=ids, sessions=ids, applications=tuple(map(str, ids)), unknown={"livy": "x" * 5000}).in_full()

    assert len(full.encode()) < 200_000
    assert full.count(" and 15000 more, for which a message has no room") == 3


def test_a_message_says_what_could_not_be_read() -> None:
    full = Work(batches=(7,), unknown={"resource_manager": "time-out"}).in_full()

    assert full.startswith("batches 7. This list is not complete, ")
    assert full.endswith(": resource_manager (time-out)")
    assert NOT_KNOWN.in_full().startswith("nothing. This list is not complete, ")


@pytest.mark.parametrize(
    ("unrouted_at", "hidden"),
    [(None, False), (1000.0 - SETTLE_SECONDS + 0.1, False), (1000.0 - SETTLE_SECONDS, True), (1.0, True)],
)
def test_nobody_is_led_to_it_any_more_when_the_load_balancer_has_taken_that(
    unrouted_at: float | None, hidden: bool
) -> None:
    """A14: its nodes learn of a change one after the other."""
    assert hidden_for_sure(unrouted_at=unrouted_at, now=1000.0) is hidden
