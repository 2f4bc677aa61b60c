"""Functions that are killed before, during and after their work: what happened, and what Lambda says (A12)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, cast

import pytest

from emr_drill.addresses import Addresses
from emr_drill.clock import Clock
from emr_drill.errors import DrillError
from emr_drill.ports import PrimaryFactory
from emr_drill.stand_in.crashes import Crashes
from emr_drill.stand_in.server import StandIn
from emr_drill.timing import Timing

from .fakes import ROLE, package, wait_until

CODE = """
import boto3, os
from botocore.config import Config

def handler(event, context):
    print("begun", flush=True)
    queues = boto3.client("sqs", config=Config(retries={"total_max_attempts": 1}))
    queues.list_queues()
    for number in range(event.get("queues", 2)):
        url = queues.create_queue(QueueName=f"{event['name']}-{number}")["QueueUrl"]
    if event.get("set"):
        queues.set_queue_attributes(QueueUrl=url, Attributes={"DelaySeconds": "1"})
    print("finished", flush=True)
    return "done"
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandIn]:
    stand_in = StandIn(
        clock=Clock.start(speed=500),
        timing=Timing(seed=1),
        addresses=Addresses(block=22),
        workdir=tmp_path_factory.mktemp("stand-in"),
        primaries=cast(PrimaryFactory, None),
        parts=("functions",),
    )
    with stand_in:
        stand_in.client("iam").create_role(RoleName="any", AssumeRolePolicyDocument="{}")
        stand_in.client("lambda").create_function(
            FunctionName="dep-failover",
            Runtime="python3.13",
            Role=ROLE,
            Handler="handler.handler",
            Timeout=900,
            Code={"ZipFile": package({"handler.py": CODE})},
        )
        yield stand_in


@pytest.fixture
def stand_in(running: StandIn) -> Iterator[StandIn]:
    running.journal.clear()
    yield running
    running.crashes.clear()


def invoke(stand_in: StandIn, **event: Any) -> Any:
    """The answer's payload; an error has ``errorType``."""
    answer = stand_in.client("lambda").invoke(FunctionName="dep-failover", Payload=json.dumps(event).encode())
    payload = json.load(answer["Payload"])
    assert ("FunctionError" in answer) == (payload != "done")
    return payload


def queues(stand_in: StandIn, name: str) -> int:
    """How many queues the function made."""
    return len(stand_in.client("sqs").list_queues(QueueNamePrefix=name).get("QueueUrls", []))


def noted(stand_in: StandIn) -> list[tuple[Any, ...]]:
    """The crashes in the journal."""
    return [
        (entry["function"], entry["step"], entry["when"], entry["call"])
        for entry in stand_in.journal
        if entry["kind"] == "function crash"
    ]


@pytest.mark.parametrize(("when", "made"), [("before", 0), ("during", 1), ("after", 2)])
def test_a_crash_leaves_what_was_done_until_then(stand_in: StandIn, when: str, made: int) -> None:
    stand_in.functions.crash("failover", when=when)

    payload = invoke(stand_in, name=when)

    assert payload["errorType"] == "Runtime.ExitError"
    assert payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert queues(stand_in, when) == made
    assert invoke(stand_in, name=when) == "done"


def test_a_crash_during_can_come_later(stand_in: StandIn) -> None:
    stand_in.functions.crash("failover", when="during", calls=2)

    assert invoke(stand_in, name="later", queues=3)["errorType"] == "Runtime.ExitError"
    assert queues(stand_in, "later") == 2


def test_a_crash_during_work_that_changes_nothing_comes_after_it(stand_in: StandIn) -> None:
    stand_in.functions.crash("failover", when="during")

    assert invoke(stand_in, name="none", queues=0)["errorType"] == "Runtime.ExitError"


def test_only_the_step_that_is_named_crashes_and_so_many_times(stand_in: StandIn) -> None:
    stand_in.functions.crash("failover", step="Launch", when="before", times=2)

    steps = ["Claim", "Launch", "Claim", "Launch", "Launch"]
    answers = [invoke(stand_in, name="s", queues=0, step=step) for step in steps]

    assert [answer == "done" for answer in answers] == [True, False, True, False, True]


def test_a_crash_is_in_the_journal(stand_in: StandIn) -> None:
    stand_in.functions.crash("failover", step="Launch", when="after")
    invoke(stand_in, name="j", queues=0, step="Launch")

    assert noted(stand_in) == [("dep-failover", "Launch", "after", "")]


def test_the_journal_says_with_which_call_it_died(stand_in: StandIn) -> None:
    stand_in.crashes.plan("failover", "Launch", calls=2)
    invoke(stand_in, name="w", queues=3, step="Launch")

    assert noted(stand_in) == [("dep-failover", "Launch", "during", "sqs:CreateQueue")]


def test_a_crash_whose_call_never_came_is_in_the_journal_as_such(stand_in: StandIn) -> None:
    stand_in.crashes.plan("failover", calls=4)
    invoke(stand_in, name="v", queues=3, step="Launch")
    invoke(stand_in, name="v", queues=3, step="Launch")

    assert noted(stand_in) == [("dep-failover", "Launch", "during", "")]


def test_a_crash_comes_with_the_call_that_is_named(stand_in: StandIn) -> None:
    stand_in.crashes.plan("failover", action="sqs:SetQueueAttributes")

    assert invoke(stand_in, name="named", set=True)["errorType"] == "Runtime.ExitError"
    assert queues(stand_in, "named") == 2
    assert noted(stand_in) == [("dep-failover", None, "during", "sqs:SetQueueAttributes")]
    assert invoke(stand_in, name="named", set=True) == "done"


def test_an_invocation_that_does_not_make_the_call_dies_at_its_end_and_the_next_one_is_hit(stand_in: StandIn) -> None:
    stand_in.crashes.plan("failover", action="sqs:Set*")

    answers = [invoke(stand_in, name="later-on", set=number > 0) for number in range(3)]

    assert [answer == "done" for answer in answers] == [False, False, True]
    assert [call for *_, call in noted(stand_in)] == ["", "sqs:SetQueueAttributes"]


def test_calls_that_only_read_do_not_count_though_the_pattern_is_like_them(stand_in: StandIn) -> None:
    """The handler lists the queues before it makes one."""
    stand_in.crashes.plan("failover", action="sqs:*")
    invoke(stand_in, name="reads")

    assert noted(stand_in) == [("dep-failover", None, "during", "sqs:CreateQueue")]


def test_an_asynchronous_invocation_that_crashed_is_tried_again(stand_in: StandIn) -> None:
    stand_in.functions.crash("failover", when="before")
    event = json.dumps({"name": "again"}).encode()
    stand_in.client("lambda").invoke(FunctionName="dep-failover", InvocationType="Event", Payload=event)

    wait_until(lambda: queues(stand_in, "again") == 2)


@pytest.fixture
def crashes() -> Crashes:
    return Crashes(now=lambda: 0.0, journal=[])


@pytest.mark.parametrize(
    ("function", "event", "hit"),
    [
        ("dep-failover", '{"step": "Launch"}', True),
        ("dep-monitor", '{"step": "Launch"}', False),
        ("dep-failover", '{"step": "Claim"}', False),
        ("dep-failover", '"Launch"', False),
        ("dep-failover", "not JSON", False),
    ],
)
def test_an_invocation_is_hit_by_name_and_step(crashes: Crashes, function: str, event: str, hit: bool) -> None:
    crashes.plan("failover", "Launch", "before")

    assert (crashes.take(function, event) is not None) == hit


def test_another_moment_is_refused(crashes: Crashes) -> None:
    with pytest.raises(DrillError, match="before, during, after its work, got 'soon'"):
        crashes.plan("failover", when="soon")


def test_nothing_crashes_after_that_was_cleared(crashes: Crashes) -> None:
    crashes.plan("failover")
    crashes.clear()

    assert crashes.take("dep-failover", "{}") is None


def test_every_process_has_an_access_key_of_its_own(stand_in: StandIn) -> None:
    """By it the calls of one process are told from those of another."""
    code = "import os\ndef handler(event, context): return os.environ['AWS_ACCESS_KEY_ID']"
    keys = set()
    for name in ("one", "two"):
        stand_in.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=ROLE,
            Handler="handler.handler",
            Code={"ZipFile": package({"handler.py": code})},
        )
        keys.add(stand_in.client("lambda").invoke(FunctionName=name)["Payload"].read())

    assert len(keys) == 2
