"""A name is found wherever it is, and "nowhere" is said only when everyone was asked (A6, B9)."""

from __future__ import annotations

from emr_dr_airflow.decisions.looking_up import QUICK_ASKS, ask_around, look_up, look_up_jobs
from emr_dr_airflow.decisions.wire import Ask
from tests.provider.decisions.front_door import (
    DROPPED,
    FINE,
    LIMITS,
    NAME,
    REFUSED,
    Entry,
    FrontDoor,
    Generation,
    carry_out,
    scripted,
)


def holding(generation: Generation, name: str = NAME) -> Generation:
    generation.entries.append(Entry(id=generation.next_id(), name=name, at=0))
    return generation


def test_one_that_serves_is_found_at_once() -> None:
    door = FrontDoor(generations=[holding(Generation(number=7))])
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert seen.batches[NAME].id == 1061000000
    assert len(door.asked) == 1


def test_one_that_drains_is_found_through_its_header() -> None:
    """It takes no new jobs, so that asking around does not come to it."""
    door = FrontDoor(generations=[holding(Generation(number=3, in_service=False)), Generation(number=900)])
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert seen.batches[NAME].id == 1021000000
    assert not seen.silent


def test_nowhere_is_said_when_every_generation_was_asked() -> None:
    door = FrontDoor(generations=[Generation(number=3, in_service=False), Generation(number=1146)])
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert not seen.batches and not seen.silent
    assert {one.headers["X-Emr-Id-Prefix"] for one in door.asked if one.headers} == {"1021", "2128"}


def test_a_prefix_that_two_generations_share_is_asked_once() -> None:
    door = FrontDoor(generations=[Generation(number=1147 + 5)])
    carry_out(look_up([NAME], LIMITS), door)

    assert [one.headers["X-Emr-Id-Prefix"] for one in door.asked if one.headers] == ["1041"]


def test_not_found_by_another_does_not_speak_for_a_dead_one() -> None:
    """The header of a generation whose rule is gone leads to whoever serves; its 404 must not count."""
    dead = Generation(number=3, died_at=0, fenced_at=1600)
    door = FrontDoor(generations=[dead, Generation(number=4)])
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert not seen.batches and not seen.silent
    assert door.now > 1600  # it was waited for


def test_a_generation_that_stays_silent_is_named() -> None:
    door = FrontDoor(generations=[Generation(number=3, died_at=0, in_service=False), Generation(number=4)])
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert not seen.batches
    assert len(seen.silent) == 1 and "prefix 1021" in seen.silent[0]
    assert LIMITS.outage_seconds < door.now - 1000 < LIMITS.outage_seconds + 120


def test_one_that_comes_back_tells() -> None:
    back = holding(Generation(number=3, died_at=0, in_service=False))

    def change(now: float) -> None:
        if now > 1200:
            back.died_at = float("inf")

    door = FrontDoor(generations=[back, Generation(number=4)], change=change)

    assert carry_out(look_up([NAME], LIMITS), door).batches[NAME].id == 1021000000


def test_a_submit_that_waited_for_who_was_silent_is_waited_for() -> None:
    """Its batch is made right after its Livy answers again; a 404 before that does not say that it never arrived."""
    owner = Generation(number=3, died_at=0, in_service=False)
    door = FrontDoor(generations=[owner, Generation(number=4)])
    answered: list[float] = []

    def change(now: float) -> None:
        if now > 1200:
            owner.died_at = float("inf")
            if door.asked[-1].path == "/batches/1021000000/state":
                answered.append(now)
        if answered and now > answered[0] + 2 and not owner.entries:
            holding(owner)

    door.change = change

    assert carry_out(look_up([NAME], LIMITS), door).batches[NAME].id == 1021000000


def test_a_submit_that_waited_for_the_one_livy_is_waited_for() -> None:
    class Plain(FrontDoor):
        def route(self, ask):  # type: ignore[no-untyped-def]
            return self.generations[0].answer(ask, self.now, self.new)

    livy = Generation(number=1, numbers_from=0)
    door = Plain(generations=[livy])
    named: list[float] = []

    def change(now: float) -> None:
        # The first look by name that comes to it after the probe is lost; the batch is there 2 s after the next one.
        if len(named) > 1 and now > named[1] + 2 and not livy.entries:
            holding(livy)

    def fault(ask: Ask) -> str:
        if ask.path != f"/batches/{NAME}" or len(door.asked) <= QUICK_ASKS + 1:
            return FINE
        named.append(door.now)
        return DROPPED if len(named) == 1 else FINE

    door.change, door.fault = change, fault

    assert carry_out(look_up([NAME], LIMITS), door).batches[NAME].id == 0


def test_a_front_door_that_goes_away_is_waited_for() -> None:
    door = FrontDoor(generations=[Generation(number=4)])
    door.fault = lambda ask: REFUSED if 1001 < door.now < 1060 else FINE
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert not seen.silent


def test_a_front_door_that_stays_away_is_no_answer() -> None:
    door = FrontDoor(generations=[], fault=lambda ask: REFUSED)

    assert carry_out(look_up([NAME], LIMITS), door).silent == ("the front door",)


def test_a_silence_of_the_wire_is_no_answer_of_an_owner() -> None:
    """An owner whose load balancer is slower than our limit must not be passed over."""
    door = FrontDoor(generations=[holding(Generation(number=3, in_service=False)), Generation(number=4)])
    lost = [1]
    door.fault = lambda ask: DROPPED if ask.path == "/batches/1021000000/state" and lost and lost.pop() else FINE

    assert NAME in carry_out(look_up([NAME], LIMITS), door).batches


def test_a_livy_that_numbers_from_0_is_found_by_its_header() -> None:
    """Its ids do not tell its prefix."""
    odd = holding(Generation(number=6, in_service=False, numbers_from=0))
    door = FrontDoor(generations=[odd, Generation(number=7)])

    assert carry_out(look_up([NAME], LIMITS), door).batches[NAME].id == 0


def test_without_a_front_door_the_one_livy_is_asked() -> None:
    class Plain(FrontDoor):
        def route(self, ask):  # type: ignore[no-untyped-def]
            return self.generations[0].answer(ask, self.now, self.new)

    door = Plain(generations=[Generation(number=1, numbers_from=0)])
    seen = carry_out(look_up([NAME], LIMITS), door)

    assert not seen.batches and not seen.silent
    assert len(door.asked) < 10


def test_several_names_are_looked_up_in_one_go() -> None:
    door = FrontDoor(generations=[holding(Generation(number=3), "a"), holding(Generation(number=4), "b")])
    seen = carry_out(look_up(["a", "b", "c"], LIMITS), door)

    assert set(seen.batches) == {"a", "b"}
    assert len(door.asked) < 1147 + 50


def test_asking_around_ends() -> None:
    door = FrontDoor(generations=[Generation(number=3)], fault=scripted({"GET": [DROPPED]}))

    assert carry_out(ask_around(NAME), door) is None
    assert len(door.asked) == QUICK_ASKS


def test_a_job_whose_first_batch_is_found_has_no_other() -> None:
    """An ordinary retry: the batch of the try before has failed and is there."""
    door = FrontDoor(generations=[holding(Generation(number=3), "a-r0")])
    seen = carry_out(look_up_jobs([["a-r0", "a-r1", "a-r2"]], LIMITS), door)

    assert set(seen.batches) == {"a-r0"} and len(door.asked) == 1


def test_a_job_whose_second_batch_is_found_has_lost_its_first() -> None:
    door = FrontDoor(generations=[holding(Generation(number=3), "a-r1")])
    seen = carry_out(look_up_jobs([["a-r0", "a-r1", "a-r2"]], LIMITS), door)

    assert set(seen.batches) == {"a-r1"} and len(door.asked) == QUICK_ASKS + 1


def test_everyone_is_asked_once_for_all_jobs_that_are_not_found() -> None:
    """For every name that each may have."""
    first = holding(Generation(number=3, in_service=False), "a-r7")
    second = holding(holding(Generation(number=4, in_service=False), "b-r0"), "c-r0")
    door = FrontDoor(generations=[first, second, Generation(number=5)])
    jobs = [[f"{job}-r{number}" for number in range(10)] for job in "dcba"]
    seen = carry_out(look_up_jobs(jobs, LIMITS), door)

    assert set(seen.batches) == {"a-r7", "b-r0", "c-r0"} and not seen.silent
    assert len(door.asked) < 1148 + 8 + 3 * 4 * 10 + 10
