"""What everybody does in the course of each story of the controller, for runs in which one function dies on the way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dr_core.id_ranges import PREFIXES

from .gate import Invocation
from .machine_play import Play, in_service
from .machine_world import TAKEN
from .parts import DEPLOYMENT, RETIREMENTS, ZONES


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


def in_safe_mode(play: Play) -> None:
    """The NameNode stops working while Livy answers: jobs come until somebody takes it out of service, and later."""
    _befall(play, _serving(play, "a"), "jobs")
    _befall(play, _serving(play, "a"), "safe mode")


def alone(play: Play) -> None:
    """Only one managed cluster serves, so that nothing is isolated."""
    in_service(play, "a")
    play.world.pass_time(700)


def recovers(play: Play) -> None:
    """The primary dies and comes back before anything of it was ended."""
    _befall(play, _serving(play, "a"), "dies")
    play.after.append(_comes_back)


def _comes_back(play: Play, invocation: Invocation) -> None:
    if invocation.step == "Launch" and _serving(play, "a") == 1:
        _befall(play, 1, "returns")


def second_attempt(play: Play) -> None:
    """The first replacement fails; the next one, under a name of its own, does not."""
    play.world.canary_state = "dead"
    failover(play)
    play.after.append(_canaries_work_again)


def _canaries_work_again(play: Play, invocation: Invocation) -> None:
    if invocation.step == "RollBack":
        play.world.canary_state = "success"


def switchover(play: Play) -> None:
    """With a job that ends after a while."""
    _befall(play, _serving(play, "a"), "jobs")
    play.after.append(_jobs_end)
    play.request("Update", "a", play.properties("a", version=1))


def _jobs_end(play: Play, invocation: Invocation) -> None:
    item = play.world.record.items[("incarnation", "g000001")]
    out_since = item.get("serving_to")
    if out_since is not None and play.world.clock.now > float(out_since) + 200:
        _befall(play, 1, "jobs end")


def beside_a_drain(play: Play) -> None:
    """What a switchover has just replaced still works on jobs, and its successor dies."""
    play.after.append(_successor_dies)
    switchover(play)


def _successor_dies(play: Play, invocation: Invocation) -> None:
    if invocation.step == "Drain" and "died" not in play.notes:
        play.notes.add("died")
        _befall(play, _serving(play, "a"), "dies")


def adopted(play: Play) -> None:
    """A switchover is stopped in the middle of its cut-over, which nobody is told of, and what serves fails a while."""
    play.after.append(_stops_in_cut_over)
    play.request("Update", "a", play.properties("a", version=1))


def _stops_in_cut_over(play: Play, invocation: Invocation) -> None:
    arn = invocation.execution or ""
    if "stopped" not in play.notes and invocation.step == "CutOver" and "switchover" in arn:
        if play.world.executions[arn]["status"] != "RUNNING":
            return
        play.notes.add("stopped")
        _befall(play, 1, "Livy fails")
        play.executions.abort(arn)
        play.lose(play.executions.events.pop())
    elif invocation.step == "Route" and "stopped" in play.notes and "back" not in play.notes:
        play.notes.add("back")
        _befall(play, 1, "returns")
        play.world.pass_time(10)


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
    """Somebody takes the name of the next stack first; CloudFormation asks once more after it has rolled back."""
    play.world.about_to_exist.add(f"{DEPLOYMENT}-a-g{TAKEN}")
    items = play.world.record.items
    items["counter", "generation"] = {**items["counter", "generation"], "value": TAKEN - 1}
    switchover(play)


def second_operation(play: Play) -> None:
    """CloudFormation asks for a switchover while a failover runs, which it waits for."""
    failover(play)
    play.after.append(_asks_for_a_switchover)


def _asks_for_a_switchover(play: Play, invocation: Invocation) -> None:
    if invocation.step == "Launch" and "asked" not in play.notes:
        play.notes.add("asked")
        play.request("Update", "a", play.properties("a", version=1))


def nobody_can_tell(play: Play) -> None:
    """No prober knows anything for a while: nothing may come of it."""
    play.world.sights = {_serving(play, name): "unknown" for name in ("a", "b")}


def both_fail(play: Play) -> None:
    """At once, and one is replaced after the other."""
    for name in ("a", "b"):
        _befall(play, _serving(play, name), "dies")


def both_fail_without_capacity(play: Play) -> None:
    """No zone has capacity, and each attempt is launched in vain, until as many were as may be in a day."""
    both_fail(play)
    play.world.broken_zones = set(ZONES)


def paused(play: Play) -> None:
    """A primary dies while a person has paused what happens by itself, and lets it go on later."""
    play.control("pause")
    play.world.pass_time(10)
    failover(play)


def same_numbers(play: Play) -> None:
    """CloudFormation hands numbers on as texts: that is no change."""
    play.request("Update", "a", play.properties("a", version=0, as_text=True))


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """What was before, and what begins then; whether the same serve at its end, and whether a person has to help."""

    before: Callable[[Play], None]
    begins: Callable[[Play], None]
    unchanged: bool = False
    person: bool = False
    standby: bool = False


def _launches_a_standby(play: Play, *, until: str = "") -> None:
    """What keeps standbys starts the launch of one, which comes to its end, or to the state *until*."""
    play.keep()
    (execution,) = [each for each in play.executions.running() if "-standby-" in each]
    while play.world.executions[execution]["status"] == "RUNNING" and play.state_of(execution) != until:
        play.step(execution)


def standing_by(play: Play) -> None:
    """``a`` serves alone, and has a standby."""
    alone(play)
    _launches_a_standby(play)


def becoming_a_standby(play: Play) -> None:
    """``a`` serves alone, and its standby is being proved."""
    alone(play)
    _launches_a_standby(play, until="Verify")


def sick_standby(play: Play) -> None:
    """What stands by dies."""
    (generation,) = [int(each["generation"]) for each in play.world.items("incarnation") if each["state"] == "standby"]
    _befall(play, generation, "dies")


def both_are_sick(play: Play) -> None:
    """What serves and what stands by die at once."""
    sick_standby(play)
    failover(play)


STORIES = {
    "launch": Story(before=nothing, begins=launch),
    "launch without capacity": Story(before=nothing, begins=launch_without_capacity),
    "launch that fails": Story(before=nothing, begins=launch_that_fails),
    "launch without a canary": Story(before=nothing, begins=launch_without_a_canary),
    "failover": Story(before=both, begins=failover),
    "failover with a worn counter": Story(before=worn, begins=failover),
    "failover in safe mode": Story(before=alone, begins=in_safe_mode),
    "failover beside a drain": Story(before=both, begins=beside_a_drain),
    "second attempt": Story(before=both, begins=second_attempt),
    "repair": Story(before=both, begins=repair, unchanged=True),
    "recovers": Story(before=both, begins=recovers, unchanged=True),
    "adopted": Story(before=both, begins=adopted),
    "second operation": Story(before=both, begins=second_operation),
    "switchover": Story(before=both, begins=switchover),
    "switchover that fails": Story(before=both, begins=switchover_that_fails),
    "name taken": Story(before=both, begins=name_taken),
    "eviction": Story(before=no_free_slot, begins=failover),
    "deletion": Story(before=both, begins=deletion),
    "left behind": Story(before=both, begins=left_behind),
}
WITH_STANDBY = {
    "standby": Story(before=alone, begins=Play.keep_once, unchanged=True, standby=True),
    "failover to a standby": Story(before=standing_by, begins=failover, standby=True),
    "failover beside the launch of a standby": Story(before=becoming_a_standby, begins=failover, standby=True),
    "sick standby": Story(before=standing_by, begins=sick_standby, unchanged=True, standby=True),
    "sick standby and failover": Story(before=standing_by, begins=both_are_sick, standby=True),
}
# Told once each, as nobody can die on the way: nothing happens in these, or only what happens in others as well.
TOLD_ONCE = {
    "nobody can tell": Story(before=both, begins=nobody_can_tell, unchanged=True),
    "same numbers": Story(before=both, begins=same_numbers, unchanged=True),
    "both fail": Story(before=both, begins=both_fail),
    "paused": Story(before=both, begins=paused),
    "budget used up": Story(before=both, begins=both_fail_without_capacity, person=True),
}
ALL = {**STORIES, **WITH_STANDBY, **TOLD_ONCE}
