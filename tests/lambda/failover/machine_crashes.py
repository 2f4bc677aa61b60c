"""What everybody does in the course of each story of the controller, for runs in which one function dies on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dr_core.id_ranges import PREFIXES

from .gate import Invocation
from .machine_play import Play, in_service
from .machine_world import TAKEN
from .parts import RETIREMENTS, ZONES


def both(play: Play) -> None:
    """Both managed clusters serve, and have for a while."""
    for name in ("a", "b"):
        in_service(play, name)
    play.world.pass_time(700)


def nothing(play: Play) -> None:
    """Nothing was launched yet."""


def _befall(play: Play, generation: int, what: str) -> None:
    cluster = play.world.cluster_of(generation)
    assert cluster is not None
    play.world.befall(cluster, what)


def _serving(play: Play, name: str) -> int:
    return int(play.world.record.items[("managed-cluster", name)]["serving_generation"])


def launch(play: Play) -> None:
    play.request("Create", "a", play.properties("a", version=0))


def launch_without_capacity(play: Play) -> None:
    """The first zone has no capacity; the launch goes on in the next."""
    play.world.broken_zones = {ZONES[0]}
    launch(play)


def launch_that_fails(play: Play) -> None:
    """No zone has capacity: CloudFormation deletes what it could not create."""
    play.world.broken_zones = set(ZONES)
    launch(play)


def launch_without_a_canary(play: Play) -> None:
    """The canary fails: everything is undone."""
    play.world.canary_state = "dead"
    launch(play)


def failover(play: Play) -> None:
    _befall(play, _serving(play, "a"), "jobs")
    _befall(play, _serving(play, "a"), "dies")


def repair(play: Play) -> None:
    _befall(play, _serving(play, "a"), "Livy fails")


def recovers(play: Play) -> None:
    """The primary dies and comes back before anything of it was ended."""
    _befall(play, _serving(play, "a"), "dies")

    def after(invocation: Invocation) -> None:
        if invocation.step == "Launch" and play.world.record.items[("managed-cluster", "a")]["serving_generation"] == 1:
            _befall(play, 1, "returns")

    play.after = after


def switchover(play: Play) -> None:
    """With a job that ends after a while."""
    _befall(play, _serving(play, "a"), "jobs")
    began = play.world.clock.now

    def after(invocation: Invocation) -> None:
        if play.world.clock.now > began + 600 and play.world.cluster_of(1) is not None:
            _befall(play, 1, "jobs end")

    play.after = after
    play.request("Update", "a", play.properties("a", version=1))


def switchover_that_fails(play: Play) -> None:
    """CloudFormation rolls the update back."""
    play.world.canary_state = "dead"
    play.request("Update", "a", play.properties("a", version=1))


def no_free_slot(play: Play) -> None:
    """Every slot is taken, three of them by incarnations whose clients may still read."""
    both(play)
    for number, name in enumerate(("a", "b", "a")):
        play.request("Update", name, play.properties(name, version=1 + number))
        request = play.resources[name].request or ""
        play.finish(next(each for each in play.executions.running() if request in each))
        play.hear_answers()


def deletion(play: Play) -> None:
    play.request("Delete", "a", play.resources["a"].properties)


def left_behind(play: Play) -> None:
    """Targets were taken out, and nobody retires what goes."""
    for number in (0, 3, 5):
        play.world.drift(number)
    play.ask_for("switchover", "a")
    play.finish(next(each for each in play.executions.running() if "person" in each))
    for arn in play.executions.running():
        if play.executions.machine_of(arn) == RETIREMENTS:
            play.executions.abort(arn)


def worn(play: Play) -> None:
    """The counter of generations has come round: the next one would have the ids of what lives."""
    both(play)
    items = play.world.record.items
    items["counter", "generation"] = {**items["counter", "generation"], "value": PREFIXES}


def name_taken(play: Play) -> None:
    """The name of the next stack is somebody else's; CloudFormation asks once more after it has rolled back."""
    items = play.world.record.items
    items["counter", "generation"] = {**items["counter", "generation"], "value": TAKEN - 1}
    switchover(play)


def second_operation(play: Play) -> None:
    """CloudFormation asks for a switchover while a failover runs, which it waits for."""
    failover(play)
    asked: list[str] = []

    def after(invocation: Invocation) -> None:
        if invocation.step == "Launch" and not asked:
            asked.append("once")
            play.request("Update", "a", play.properties("a", version=1))

    play.after = after


def nobody_can_tell(play: Play) -> None:
    """No prober knows anything for a while: nothing may come of it."""
    play.world.sights = {_serving(play, name): "unknown" for name in ("a", "b")}


def same_numbers(play: Play) -> None:
    """CloudFormation hands numbers on as texts: that is no change."""
    play.request("Update", "a", play.properties("a", version=0, as_text=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was before, and what begins then; whether the same serve at its end."""

    before: Callable[[Play], None]
    begins: Callable[[Play], None]
    unchanged: bool = False


STORIES = {
    "launch": Story(before=nothing, begins=launch),
    "launch without capacity": Story(before=nothing, begins=launch_without_capacity),
    "launch that fails": Story(before=nothing, begins=launch_that_fails),
    "launch without a canary": Story(before=nothing, begins=launch_without_a_canary),
    "failover": Story(before=both, begins=failover),
    "failover with a worn counter": Story(before=worn, begins=failover),
    "repair": Story(before=both, begins=repair, unchanged=True),
    "recovers": Story(before=both, begins=recovers),
    "second operation": Story(before=both, begins=second_operation),
    "switchover": Story(before=both, begins=switchover),
    "switchover that fails": Story(before=both, begins=switchover_that_fails),
    "name taken": Story(before=both, begins=name_taken),
    "eviction": Story(before=no_free_slot, begins=failover),
    "deletion": Story(before=both, begins=deletion),
    "left behind": Story(before=both, begins=left_behind),
}
# Little or nothing happens in these, so that nobody can die on the way.
QUIET_STORIES = {
    "nobody can tell": Story(before=both, begins=nobody_can_tell, unchanged=True),
    "same numbers": Story(before=both, begins=same_numbers, unchanged=True),
}
