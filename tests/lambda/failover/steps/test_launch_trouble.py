"""Launch under trouble: AZs without capacity, hanging clusters, failed stacks, quotas, missing permissions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from dr_core.record import Incarnation, IncarnationState
from failover.calls import StepAnswer

from ..fakes import FakeCloudFormation, client_error
from ..parts import START, ZONES, Clock, Cluster, Stack
from ..planned import Retirements, call
from ..safety import retirements
from ..scenarios import failing, launched, settled
from ..world import World

ALL_ZONES = "no availability zone is left to launch in (tried: us-east-1a, us-east-1b, us-east-1c). "


def launch(world: World, request: dict[str, Any]) -> StepAnswer:
    """One call."""
    answer: StepAnswer = world.step("operation", "Launch", request)
    return answer


def claimed(world: World, **extra: Any) -> dict[str, Any]:
    """The request of a launch that may begin."""
    request = world.request("launch", "op1", **extra)
    world.run_operation(request, until="Launch")
    return request


class Trouble:
    """Runs Launch and the retirements of what it gives up side by side, and looks at the bill after each call."""

    def __init__(self, world: World, request: dict[str, Any]) -> None:
        self.world, self.request = world, request
        self.retirements = Retirements(world)
        self.most_alive = 0
        self.answers: list[StepAnswer] = []

    def run(self, *, until: float = 6000, seconds: float = 30) -> StepAnswer:
        """Until Launch has its answer, or *until* seconds have passed."""
        end, message = self.world.clock.now + until, "not called"
        while self.world.clock.now < end:
            answer = call(self.world, "operation", "Launch", self.request)
            self._look()
            self.answers.append(answer)
            if answer.status != "wait":
                return answer
            message = answer.message
            self.retirements.work()
            self.world.clock.now += seconds
        raise AssertionError(f"Launch kept waiting: {message}")

    def _look(self) -> None:
        """Whatever was given up and lives has a retirement that runs."""
        alive = {each.cluster_id for each in self.world.clusters.values() if self._lives(each)}
        self.most_alive = max(self.most_alive, len(alive))
        for incarnation in self.world.deployment.record.incarnations():
            if incarnation.state is IncarnationState.ABANDONED and incarnation.cluster_id in alive:
                assert incarnation.generation in self.retirements.running(), f"nobody ends {incarnation.id}"

    def _lives(self, cluster: Cluster) -> bool:
        return not self.world.cluster_state(cluster).startswith("TERMINATED")


@pytest.fixture
def stuck(monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Zones in which clusters never leave STARTING."""
    zones: set[str] = set()
    start = FakeCloudFormation._start_cluster

    def _start_cluster(self: FakeCloudFormation, stack: Stack) -> Cluster:
        cluster = start(self, stack)
        if stack.parameters["SubnetId"].removeprefix("subnet-") in zones:
            cluster.started += 1_000_000
        return cluster

    monkeypatch.setattr(FakeCloudFormation, "_start_cluster", _start_cluster)
    yield zones


@pytest.fixture
def ending(world: World, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[str]]:
    """Zones in which clusters end right after their start, and go on ending for ever."""
    zones: set[str] = set()
    start = FakeCloudFormation._start_cluster

    def _start_cluster(self: FakeCloudFormation, stack: Stack) -> Cluster:
        cluster = start(self, stack)
        if stack.parameters["SubnetId"].removeprefix("subnet-") in zones:
            cluster.ended_at = cluster.started
        return cluster

    monkeypatch.setattr(FakeCloudFormation, "_start_cluster", _start_cluster)
    world.TERMINATION_SECONDS = 1_000_000
    yield zones


@pytest.mark.parametrize("broken", [{"us-east-1a"}, {"us-east-1a", "us-east-1b"}])
def test_zones_without_capacity_are_left(world: World, broken: set[str]) -> None:
    """A14: and each says why in the record."""
    world.broken_zones = broken
    assert Trouble(world, claimed(world)).run().status == "done"
    given_up = [each for each in world.deployment.record.incarnations() if each.given_up]
    assert {each.availability_zone for each in given_up} == broken
    assert {each.given_up for each in given_up} == {
        "EMR calls the cluster TERMINATED_WITH_ERRORS: VALIDATION_ERROR INSUFFICIENT_CAPACITY"
    }


def test_no_zone_with_capacity_is_told_zone_by_zone(world: World) -> None:
    """A14: what happened in each, and what to do, once."""
    world.broken_zones = set(ZONES)
    answer = Trouble(world, claimed(world)).run()
    why = "EMR calls the cluster TERMINATED_WITH_ERRORS: VALIDATION_ERROR INSUFFICIENT_CAPACITY"
    assert (answer.status, answer.message) == (
        "failed",
        f"{ALL_ZONES}us-east-1a: {why}; us-east-1b: {why}; us-east-1c: {why}. "
        "EC2 has no instance of the wanted types there now: allow other instance types, or reserve capacity.",
    )


def test_the_reasons_of_other_operations_are_not_told(world: World) -> None:
    """They were told when those ended."""
    old = Incarnation(
        generation=90,
        managed_cluster="a",
        state=IncarnationState.RETIRED,
        availability_zone="us-east-1a",
        operation="op0",
        given_up="an old story",
    )
    world.put(old.to_item())
    world.broken_zones = set(ZONES)
    assert "an old story" not in Trouble(world, claimed(world)).run().message


def test_people_are_told_of_each_zone_that_is_given_up(world: World) -> None:
    """What happened, what was done, what to do."""
    world.broken_zones = {"us-east-1a"}
    Trouble(world, claimed(world)).run()
    (notice,) = world.notices
    assert notice["subject"] == "emr-dr-active-passive: launch of a in us-east-1a given up"
    assert (
        "The launch of emr-dr-active-passive-a-g1 in us-east-1a (bootstrap) did not come to its end, "
        in notice["message"]
    )
    assert "s after its stack was requested: EMR calls the cluster" in notice["message"]
    assert "allow other instance types" in notice["message"]


def test_a_launch_that_is_given_up_is_told_with_the_words_of_who_asked_for_it(world: World) -> None:
    """A13: whoever reads the message knows what it belongs to."""
    launched(world)
    world.broken_zones = set(ZONES)
    request = world.request("switchover", "op2", reason="manual", because="the maintenance of Friday")
    world.run_operation(request, until="Launch")
    Trouble(world, request).run()
    (first, *_) = [each for each in world.notices if "given up" in each["subject"]]
    assert "(manual: the maintenance of Friday) did not come to its end" in first["message"]


def test_a_cluster_that_hangs_is_given_up_at_its_deadline(world: World, stuck: set[str]) -> None:
    """A14: the next zone is tried at once."""
    stuck.add("us-east-1a")
    request = claimed(world)
    launch(world, request)
    world.clock.now += 1199
    assert launch(world, request).status == "wait"
    world.clock.now += 1
    answer = launch(world, request)
    assert answer.message == "launching generation 2 in us-east-1b"
    assert world.incarnation(1).given_up == "it was not ready at its deadline: STARTING"


def test_no_launch_begins_that_cannot_end_in_time(world: World, stuck: set[str]) -> None:
    """A14: two zones that hang use up what CloudFormation waits for."""
    stuck.update(ZONES)
    began = world.clock.now
    answer = Trouble(world, claimed(world)).run()
    assert answer.status == "failed"
    assert (
        "too little of them is left for another one (tried: us-east-1a, us-east-1b). us-east-1a: it was"
        in answer.message
    )
    assert world.clock.now - began <= 2700
    assert len(world.stacks) == 2


def test_a_cluster_whose_end_aws_does_not_accept_is_not_followed_by_two_more(world: World, stuck: set[str]) -> None:
    """A14: one cluster too many, however little AWS does of what it is asked."""
    stuck.update(ZONES)
    policy = replace(world.deployment.config.policy, launch_limit_seconds=300)
    world.deployment = replace(world.deployment, config=replace(world.deployment.config, policy=policy))
    world.broken = {"terminate_job_flows"}
    world.delete_fails = 1_000_000
    trouble = Trouble(world, claimed(world))
    answer = trouble.run()
    waited = [each.message for each in trouble.answers if "has to end" in each.message]
    assert waited[0] == (
        "before a launch in us-east-1c: the cluster of generation 1, whose launch was given up, has to end"
    )
    assert answer.status == "failed"
    assert "or too little of them is left for another one (tried: us-east-1a, us-east-1b)" in answer.message
    assert trouble.most_alive == len(world.stacks) == 2


def test_an_ending_cluster_is_waited_for_before_the_third_launch(world: World, ending: set[str]) -> None:
    """A14: it takes a minute or two; a zone where it takes for ever is not waited for."""
    ending.update(("us-east-1a", "us-east-1b"))
    trouble = Trouble(world, claimed(world))
    assert trouble.run(seconds=10).status == "done"
    waits = sum("has to end" in each.message for each in trouble.answers)
    assert 18 <= waits <= 20
    assert world.incarnation(3).availability_zone == "us-east-1c"


def test_a_launch_that_was_gone_before_the_next_began_is_followed_by_it(world: World) -> None:
    """A14: its retirement was quicker than the machine."""
    world.broken_zones = {"us-east-1a"}
    request = claimed(world)
    launch(world, request)
    world.clock.now += 60
    world.put({**world.incarnation(1).to_item(), "state": "retired"})
    assert launch(world, request).message == "launching generation 2 in us-east-1b"


def test_a_launch_that_is_being_retired_is_no_success(world: World) -> None:
    """A14: the managed cluster is deleted, or somebody gave it up."""
    request = claimed(world)
    launch(world, request)
    world.put({**world.incarnation(1).to_item(), "state": "retiring"})
    answer = launch(world, request)
    assert (answer.status, answer.message) == ("failed", "generation 1 is being retired")


@pytest.mark.parametrize("status", ["ROLLBACK_IN_PROGRESS", "ROLLBACK_FAILED", "DELETE_FAILED", "DELETE_IN_PROGRESS"])
def test_a_stack_that_failed_without_a_cluster_says_why(
    world: World, monkeypatch: pytest.MonkeyPatch, status: str
) -> None:
    """A14: the cluster was refused; CloudFormation's events know the reason."""
    request = claimed(world)
    launch(world, request)
    (stack,) = world.stacks.values()
    stack.events[:] = [
        {"LogicalResourceId": "Cluster", "ResourceStatus": "CREATE_FAILED", "ResourceStatusReason": "not authorized"}
    ]
    world.STACK_TO_CLUSTER_SECONDS = 1_000_000
    real = world.stack_status
    monkeypatch.setattr(world, "stack_status", lambda each: status if each is stack else real(each))
    assert launch(world, request).message == "launching generation 2 in us-east-1b"
    assert world.incarnation(1).given_up == f"its stack is {status}: not authorized"


def test_a_failed_stack_is_given_up_though_nobody_can_say_why(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14."""
    request = claimed(world)
    launch(world, request)
    (stack,) = world.stacks.values()
    world.STACK_TO_CLUSTER_SECONDS = 1_000_000
    world.broken = {"describe_stack_events"}
    real = world.stack_status
    monkeypatch.setattr(world, "stack_status", lambda each: "ROLLBACK_FAILED" if each is stack else real(each))
    launch(world, request)
    assert world.incarnation(1).given_up == "its stack is ROLLBACK_FAILED"


def refuse(monkeypatch: pytest.MonkeyPatch, code: str, text: str) -> None:
    """Have CreateStack fail."""

    def create_stack(self: FakeCloudFormation, **_: Any) -> Any:
        raise client_error(code, text, "CreateStack")

    monkeypatch.setattr(FakeCloudFormation, "create_stack", create_stack)


def test_a_quota_of_stacks_fails_the_launch_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: no other zone would help."""
    request = claimed(world)
    refuse(monkeypatch, "LimitExceededException", "Limit for stack has been exceeded")
    answer = launch(world, request)
    assert answer.status == "failed"
    assert answer.message.startswith("a quota is used up, CreateStack is refused: Limit for stack has been exceeded.")
    assert world.operation("op1").tried == ("us-east-1a",)


def test_a_missing_permission_is_waited_for_and_then_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A14: a first deploy made the role a moment ago."""
    request = claimed(world)
    refuse(monkeypatch, "AccessDenied", "not authorized to perform: cloudformation:CreateStack")
    for _ in range(6):
        answer = launch(world, request)
        assert answer.status == "wait"
        assert "not authorized to perform: cloudformation:CreateStack" in answer.message
        world.clock.now += 10
    answer = launch(world, request)
    assert answer.status == "failed"
    assert answer.message.startswith("CreateStack is denied: not authorized to perform: cloudformation:CreateStack.")
    assert world.operation("op1").tried == ("us-east-1a",)


def test_a_permission_that_comes_in_time_is_used(world: World) -> None:
    """A14: of the same generation."""
    request = claimed(world)
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, "AccessDenied", "not authorized")
        assert launch(world, request).status == "wait"
    assert launch(world, request).message == "launching generation 1 in us-east-1a"


def test_each_launch_has_the_time_that_a_permission_takes(world: World) -> None:
    """A14: in the second zone, minutes after the first call, a cluster's tag is as new as in the first one."""
    world.broken_zones = {"us-east-1a"}
    request = claimed(world)
    assert launch(world, request).status == "wait"
    world.clock.now += 300
    with pytest.MonkeyPatch.context() as patch:
        refuse(patch, "AccessDenied", "not authorized")
        assert launch(world, request).status == "wait"
        world.clock.now += 59
        assert launch(world, request).status == "wait"
        world.clock.now += 1
        assert launch(world, request).status == "failed"


def test_a_failed_launch_says_the_reason_to_people(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message of RollBack has it."""
    request = claimed(world)
    refuse(monkeypatch, "LimitExceededException", "Limit for stack has been exceeded")
    assert world.run_operation(request) == "Failed"
    assert "a quota is used up, CreateStack is refused" in world.notices[-1]["message"]


@pytest.mark.parametrize("name", ["create_stack", "describe_stacks", "describe_cluster", "start_execution"])
def test_a_throttled_call_costs_no_zone(world: World, name: str) -> None:
    """A14: it says nothing about the zone; the machine calls again."""
    world.broken_zones = {"us-east-1a"}
    request = claimed(world)
    launch(world, request)
    world.clock.now += 60
    world.broken = {name}
    for _ in range(3):
        with pytest.raises(ClientError, match="Rate exceeded"):
            launch(world, request)
    world.broken.clear()
    assert Trouble(world, request).run().status == "done"
    assert world.operation("op1").tried == ("us-east-1a", "us-east-1b")


def automatic(world: World, count: int, *, age: float = 0, reason: str = "unhealthy") -> None:
    """Launches that were written down before."""
    for number in range(count):
        incarnation = Incarnation(
            generation=100 + number,
            managed_cluster="b",
            state=IncarnationState.RETIRED,
            reason=reason,
            created_at=world.clock.now - age,
        )
        world.put(incarnation.to_item())


def at_launch(world: World, **extra: Any) -> dict[str, Any]:
    """The request of a failover that may launch."""
    request = {**failing(launched(world)), **extra}
    world.run_operation(request, until="Launch")
    return request


def test_the_reason_of_a_launch_is_written_down(world: World) -> None:
    """A14: automatic ones are counted."""
    launch(world, at_launch(world))
    assert [world.incarnation(each).reason for each in (1, 2)] == ["bootstrap", "unhealthy"]


def test_an_automatic_launch_beyond_the_budget_is_refused(world: World) -> None:
    """A14: what new clusters do not mend must not go on costing more of them; of all managed clusters."""
    request = at_launch(world)
    automatic(world, 8)
    answer = launch(world, request)
    assert (answer.status, answer.message) == (
        "failed",
        "automatic operations have launched 8 clusters in 24 hours, which is all they may; a failover that a person "
        "asks for has no such limit (tried: none)",
    )
    assert len(world.stacks) == 1


@pytest.mark.parametrize(
    "within", [{"count": 7}, {"count": 8, "age": 86_400}, {"count": 8, "reason": "manual"}], ids=str
)
def test_an_automatic_launch_within_the_budget_goes_on(world: World, within: dict[str, Any]) -> None:
    """A14."""
    request = at_launch(world)
    automatic(world, **within)
    assert launch(world, request).message == "launching generation 2 in us-east-1b"


def test_the_launches_of_one_operation_count_too(world: World) -> None:
    """A14: zone by zone."""
    world.broken_zones = {"us-east-1b"}
    request = at_launch(world)
    automatic(world, 7)
    answer = Trouble(world, request).run()
    assert answer.status == "failed"
    assert "has no such limit (tried: us-east-1b). us-east-1b: EMR calls the cluster" in answer.message


@pytest.mark.parametrize("reason", ["manual", "drill"])
def test_a_person_is_not_bound_by_the_budget(world: World, reason: str) -> None:
    """A14: who asks knows why."""
    request = at_launch(world, reason=reason, incident=None)
    automatic(world, 8)
    assert launch(world, request).status == "wait"
    assert world.incarnation(2).reason == reason


def test_a_zone_is_shared_rather_than_nobody_launched(world: World) -> None:
    """A11: with an alarm, as one zone's end would take both."""
    other = Incarnation(
        generation=50, managed_cluster="b", state=IncarnationState.SERVING, availability_zone="us-east-1c"
    )
    world.put(other.to_item())
    world.broken_zones = {"us-east-1a", "us-east-1b"}
    assert Trouble(world, claimed(world)).run().status == "done"
    assert world.incarnation(3).availability_zone == "us-east-1c"
    notice = world.notices[-1]
    assert notice["subject"] == "emr-dr-active-passive: a shares us-east-1c with b"
    assert "Managed cluster a needs a new incarnation (bootstrap)" in notice["message"]
    assert "has failed (tried: us-east-1a, us-east-1b)" in notice["message"]


def _in_trouble(world: World, trouble: str) -> Trouble:
    request = world.request("launch", "op1")
    world.run_operation(request, until="Launch")
    world.broken_zones = set(ZONES) if trouble == "everywhere" else {"us-east-1a", "us-east-1b"}
    return Trouble(world, request)


@pytest.mark.parametrize("trouble", ["in two zones", "everywhere"])
def test_trouble_ends_the_same_whichever_answer_is_lost(world: World, clock: Clock, trouble: str) -> None:
    """A14: the function may die after any call; nothing is leaked, nothing is launched twice, no zone is lost."""
    whole = _in_trouble(world, trouble)
    first = world.calls
    end = whole.run()
    assert whole.most_alive <= 2
    for lost in range(first + 1, world.calls + 1):
        clock.now = START
        other = World(clock)
        other.create_managed_cluster()
        run = _in_trouble(other, trouble)
        other.lose_call = lost
        answer = run.run()
        assert (answer.status, other.operation("op1").tried) == (end.status, world.operation("op1").tried), lost
        assert len(other.stacks) == len(world.stacks), f"answer of call {lost} lost"
        assert run.most_alive <= 2
        for _ in range(30):
            run.retirements.work()
            clock.now += 60
        assert len(settled(other)["stacks"]) == (0 if trouble == "everywhere" else 1), f"answer of call {lost} lost"
        assert run.retirements.running() == set()
        assert len(retirements(other)) == (3 if trouble == "everywhere" else 2)
