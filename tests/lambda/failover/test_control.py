"""A12: a person pauses, resumes and acknowledges automatic operations, and sees how things stand."""

from __future__ import annotations

import json
from typing import Any

import pytest

from dr_core.controls import Controls
from dr_core.record import ManagedCluster
from failover import control as control_module
from failover.control import TEXT_LENGTH, control, handler

from .parts import START, Clock
from .world import World

CLOCK = "2027-01-15T08:00:00Z"  # START


def controls(world: World) -> Controls:
    return Controls.from_item(world.record.get(Controls.key()).get((Controls.KIND, Controls.ID)))


def test_a_pause_is_kept_with_who_and_why(world: World) -> None:
    control(world.deployment, {"action": "pause", "because": "network maintenance", "by": "ann"})

    assert controls(world) == Controls(
        paused=True, paused_at=START, paused_because="network maintenance", paused_by="ann"
    )


def test_a_pause_answers_what_it_means(world: World) -> None:
    answer = control(world.deployment, {"action": "pause", "because": "network maintenance"})

    assert answer["message"].startswith("Automatic operations are paused: incidents are still noted")
    assert answer["controls"]["paused"] is True
    assert answer["automatic_operations"]["may_start"] is False
    assert answer["automatic_operations"]["because"] == (
        "automatic operations are paused by a person (network maintenance) until somebody resumes them"
    )


def test_a_pause_answers_what_goes_on(world: World) -> None:
    """A12: nobody must believe that what runs has stopped, or that orphans are removed meanwhile."""
    message = control(world.deployment, {"action": "pause", "because": "network maintenance"})["message"]

    assert "no operation answers them until somebody resumes" in message
    assert "The reconciliation goes on to put the routing of ids right" in message
    assert "whatever else it finds it only tells of" in message
    assert "An operation that runs goes on" in message
    assert "To stop one, stop its execution too: it is named under operations." in message


def test_an_acknowledgement_answers_what_it_does_not_change(world: World) -> None:
    message = control(world.deployment, {"action": "acknowledge"})["message"]

    assert "Neither the budget of launches nor the attempts of an incident are changed" in message
    assert message.endswith("start a failover by hand.")


def test_a_second_pause_replaces_the_first(world: World, clock: Clock) -> None:
    """Nobody is named for what somebody else decided."""
    control(world.deployment, {"action": "pause", "because": "one", "by": "ann"})
    clock.now += 60

    control(world.deployment, {"action": "pause", "because": "two"})

    assert controls(world) == Controls(paused=True, paused_at=START + 60, paused_because="two", paused_by=None)


def test_a_resume_lets_operations_start_and_keeps_what_was(world: World, clock: Clock) -> None:
    control(world.deployment, {"action": "pause", "because": "network maintenance", "by": "ann"})
    clock.now += 60

    answer = control(world.deployment, {"action": "resume", "by": "ben"})

    assert controls(world) == Controls(
        paused=False,
        paused_at=START,
        paused_because="network maintenance",
        paused_by="ann",
        resumed_at=START + 60,
        resumed_by="ben",
    )
    assert answer["message"].startswith("Automatic operations may start again")
    assert answer["automatic_operations"]["may_start"] is True


def test_an_acknowledgement_ends_a_block(world: World) -> None:
    failovers = (START - 600, START - 60)
    world.put(ManagedCluster(name="a", serving_generation=3, automatic_failovers=failovers).to_item())
    before = control(world.deployment, {"action": "show"})

    after = control(world.deployment, {"action": "acknowledge", "because": "the zone is back", "by": "ann"})

    assert before["automatic_operations"] == {
        "may_start": False,
        "because": "2 automatic failovers within 7200 s: the next waits until a person acknowledges them, or until "
        "2027-01-15 09:50:00 UTC",
        "automatic_failovers": ["2027-01-15T07:50:00Z", "2027-01-15T07:59:00Z"],
        "launches_in_24_hours": 0,
        "launches_allowed": 8,
    }
    assert after["automatic_operations"]["may_start"] is True
    assert after["automatic_operations"]["because"] == "nothing keeps them back"
    assert controls(world) == Controls(
        acknowledged_at=START, acknowledged_because="the zone is back", acknowledged_by="ann"
    )


def test_an_acknowledgement_does_not_end_a_pause(world: World) -> None:
    control(world.deployment, {"action": "pause", "because": "network maintenance"})

    control(world.deployment, {"action": "acknowledge"})

    assert controls(world).paused is True


def test_to_look_changes_nothing(world: World) -> None:
    before = dict(world.record.items)

    answer = control(world.deployment, {"action": "show"})

    assert world.record.items == before
    assert answer["message"] == "Nothing was changed."


@pytest.mark.parametrize(
    ("event", "text"),
    [
        (
            {"action": "stop"},
            "action: got 'stop'; allowed: pause, resume, acknowledge, show; "
            'remedy: to look only, send {"action": "show"}. Nothing was changed.',
        ),
        ({}, "action: got None; allowed: pause, resume, acknowledge, show"),
        ({"action": ["pause"]}, "action: got ['pause']; allowed: "),
        (
            {"action": "pause"},
            "because: got None; allowed: the reason in one sentence; "
            "remedy: say why, for whoever finds it paused tomorrow. Nothing was changed.",
        ),
        (
            {"action": "pause", "because": " "},
            f"because: got ' '; allowed: a text of 1 to {TEXT_LENGTH} characters; "
            "remedy: write one sentence, or leave it out. Nothing was changed.",
        ),
        ({"action": "pause", "because": 5}, "because: got 5; allowed: a text of 1 to 200 characters"),
        ({"action": "resume", "by": "x" * (TEXT_LENGTH + 1)}, "by: got 'xxx"),
        (
            {"action": "resume", "reason": "x"},
            "reason: got 'x'; allowed: with resume only these keys: action, because, by; "
            "remedy: leave it out. Nothing was changed.",
        ),
        (
            {"action": "show", "because": "x"},
            "because: got 'x'; allowed: with show only these keys: action alone; remedy: leave it out.",
        ),
        (
            "pause",
            "the event: got 'pause'; allowed: a JSON object with the key action; "
            'remedy: send {"action": "show"}. Nothing was changed.',
        ),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(world: World, event: object, text: str) -> None:
    before = dict(world.record.items)

    with pytest.raises(ValueError) as caught:
        control(world.deployment, event)

    assert str(caught.value).startswith(text)
    assert world.record.items == before


def test_the_longest_text_is_kept(world: World) -> None:
    control(world.deployment, {"action": "pause", "because": "x" * TEXT_LENGTH})

    assert controls(world).paused_because == "x" * TEXT_LENGTH


@pytest.mark.parametrize("action", ["resume", "acknowledge"])
def test_only_a_pause_needs_a_reason(world: World, action: str) -> None:
    control(world.deployment, {"action": action})


def test_a_person_reaches_it_through_the_function(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lambda turns the answer into JSON."""
    monkeypatch.setattr(control_module, "deployment_from_environment", lambda calls: world.deployment)

    answer: Any = json.loads(json.dumps(handler({"action": "pause", "because": "x"}, None)))

    assert answer["controls"]["paused_at"] == CLOCK
