"""What alarms say."""

from __future__ import annotations

import json
import shlex

import pytest

from dr_core.naming import is_standby_operation, standby_operation
from dr_core.requests import Kind, Reason
from emr_dr.alarm_texts import Commands, Text, Texts

MACHINE = "arn:aws:states:us-east-1:123456789012:stateMachine:dep-operation"
COMMANDS = Commands(deployment="dep", operation_machine=MACHINE)
QUEUE = "https://sqs.us-east-1.amazonaws.com/123456789012/queue"
TEXTS = Texts(commands=COMMANDS, managed_clusters=("a",))


def test_a_text_has_three_parts() -> None:
    assert str(Text(happened="It broke.", done="Nothing.", to_do="Mend it.")) == (
        "What happened: It broke. What was done: Nothing. What to do: Mend it."
    )


def test_the_command_of_a_control_can_be_copied_into_a_shell() -> None:
    words = shlex.split(COMMANDS.control(action="pause", because="...", by="..."))

    assert words[:5] == ["aws", "lambda", "invoke", "--function-name", "dep-control"]
    assert json.loads(words[words.index("--payload") + 1]) == {"action": "pause", "because": "...", "by": "..."}
    assert words[-1] == "/dev/stdout"


def test_the_command_of_an_operation_can_be_copied_into_a_shell() -> None:
    words = shlex.split(COMMANDS.operation("failover", "a"))

    assert words[:5] == ["aws", "stepfunctions", "start-execution", "--state-machine-arn", MACHINE]
    assert json.loads(words[words.index("--input") + 1]) == {
        "request": {"kind": Kind.FAILOVER, "reason": Reason.MANUAL, "managed_cluster": "a"}
    }


@pytest.mark.parametrize(
    ("command", "operation"),
    [(COMMANDS.read_dead_letters(QUEUE), "receive-message"), (COMMANDS.empty(QUEUE), "purge-queue")],
)
def test_the_commands_of_a_queue_name_it(command: str, operation: str) -> None:
    assert shlex.split(command)[:5] == ["aws", "sqs", operation, "--queue-url", QUEUE]


@pytest.mark.parametrize("words", ["failed", "ran out of time", "was stopped"])
def test_an_operation_that_ended_badly_may_have_ended_the_old_cluster(words: str) -> None:
    """What served goes on to serve before Fence only, and whoever reads this has the command for the rest."""
    text = TEXTS.operation_ended(words, stopped=False)

    assert text.done.startswith("If that was before its state Fence, what it launched is deleted, and what served")
    assert "nothing may be in service" in text.done
    assert COMMANDS.operation("failover", "a") in text.to_do


def test_whoever_reads_of_a_stopped_standby_waits_for_no_message() -> None:
    """The product stops its launch for any other operation, and says nothing of it."""
    stopped = TEXTS.operation_ended("was stopped", stopped=True).to_do
    name = standby_operation("a", 0)

    assert is_standby_operation(name) and "-standby-" in name
    assert stopped.startswith("Nothing if its name contains -standby-: ")
    assert "no message comes. Else read that message." in stopped


def test_what_was_not_stopped_has_a_message_in_any_case() -> None:
    assert TEXTS.operation_ended("failed", stopped=False).to_do.startswith("Read that message.")


def test_whoever_ended_a_cluster_on_purpose_learns_what_stays_on() -> None:
    to_do = TEXTS.terminated_by_a_person("b").to_do

    assert "If it was meant, this alarm stays on, and after an hour VerdictUnhealthyB too, until" in to_do


def test_that_a_person_ended_the_cluster_is_among_the_causes_of_a_lasting_verdict() -> None:
    assert "a person ended the cluster, or" in TEXTS.verdict_unhealthy("a", minutes=60).done


@pytest.mark.parametrize("probers", [2, 3])
def test_only_probers_that_there_are_can_be_looked_at(probers: int) -> None:
    to_do = TEXTS.verdict_unknown("a", probers=probers, minutes=10).to_do

    assert f"dep-prober-1 to {probers} and" in to_do


def test_a_command_for_one_of_several_managed_clusters_names_the_others() -> None:
    texts = Texts(commands=COMMANDS, managed_clusters=("a", "b", "c"))

    assert f"{COMMANDS.operation('failover', 'a')} (or b, c instead of a)" in texts.monitor_silent().to_do


def test_whoever_stopped_a_retirement_to_keep_the_cluster_is_told_to_pause() -> None:
    """It is started again within minutes."""
    pause = COMMANDS.control(action="pause", because="...", by="...")

    assert pause in TEXTS.retirement_ended("was stopped", by_a_person=True).to_do
    assert pause not in TEXTS.retirement_ended("failed", by_a_person=False).to_do


def test_an_orphan_that_is_wanted_is_kept_by_a_pause_and_then_by_its_tags() -> None:
    to_do = TEXTS.orphans().to_do

    assert to_do.index('"action": "pause"') < to_do.index("emr-dr:deployment on its stack and on its cluster")


def test_both_commands_of_a_blocked_failover_are_there() -> None:
    """The block is lifted by a word, the budget of launches is not."""
    to_do = TEXTS.failover_blocked("a").to_do

    assert COMMANDS.control(action="acknowledge", because="...", by="...") in to_do
    assert COMMANDS.operation("failover", "a") in to_do
