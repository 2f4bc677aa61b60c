"""What the recipe's script does, step by step, with its faults (A11, A12, A14)."""

from __future__ import annotations

import pytest
from botocore.exceptions import ClientError

from emr_drill.baseline.script import FIXED_WAIT_SECONDS, Replacement, ScriptError, Seen

from .cloud import Cloud


@pytest.fixture
def cloud() -> Cloud:
    """One cluster in service in the first AZ."""
    made = Cloud()
    made.add("site-g1")
    made.script().register("10.0.0.1")
    made.log.clear()
    return made


def sick(cloud: Cloud) -> Cloud:
    cloud.complaints = ["Livy did not answer"]
    return cloud


def test_a_healthy_cluster_is_left_alone(cloud: Cloud) -> None:
    assert cloud.script().run() is Seen.WELL
    assert cloud.log == []
    assert cloud.asked == ["10.0.0.1"]


def test_one_failed_look_replaces_the_cluster_in_the_recipes_order(cloud: Cloud) -> None:
    """One look acts, the wait is fixed, and the old cluster ends before anybody knows whether the new one works."""
    cloud.address_after = 0

    sick(cloud).script().run()

    assert len(cloud.asked) == 1
    assert cloud.log == [
        "launched site-g2 in us-east-1b",
        "slept 120",
        "ended site-g1",
        "arn:livy loses 10.0.0.1",
        "arn:livy has 10.0.0.2",
        "arn:rm loses 10.0.0.1",
        "arn:rm has 10.0.0.2",
    ]


def test_the_wait_is_the_recipes() -> None:
    """Never to be tuned: it is what the recipe is known for."""
    assert FIXED_WAIT_SECONDS == 120


def test_nobody_asks_whether_the_new_cluster_is_ready(cloud: Cloud) -> None:
    done = sick(cloud).script().run()

    assert isinstance(done, Replacement)
    assert cloud.clusters[done.new]["state"] == "STARTING"
    assert cloud.registered() == {"arn:livy": ["10.0.0.2"], "arn:rm": ["10.0.0.2"]}


def test_what_was_done_is_told(cloud: Cloud) -> None:
    done = sick(cloud).script().run()

    assert isinstance(done, Replacement)
    assert (done.old, done.new, done.why) == ("j-site-g1", "j-site-g2", "Livy did not answer")
    assert (done.began, done.ended) == (1000.0, 1200.0)


def test_the_old_cluster_lives_until_the_address_of_the_new_one_is_known(cloud: Cloud) -> None:
    """The kindest reading: the recipe does not say when it learns the address."""
    sick(cloud).script().run()

    assert cloud.log.index("ended site-g1") == 1 + 1 + 8  # the launch, the wait, eight times ten seconds
    assert cloud.log.count("slept 10") == 8


def test_a_new_cluster_that_ends_before_it_has_an_address_is_no_replacement(cloud: Cloud) -> None:
    cloud.on_sleep = [lambda: cloud.clusters["j-site-g2"].update(state="TERMINATED_WITH_ERRORS")]

    with pytest.raises(ScriptError, match="j-site-g2 ended before it had an address"):
        sick(cloud).script().run()
    assert cloud.clusters["j-site-g1"]["state"] == "WAITING"
    assert cloud.registered()["arn:livy"] == ["10.0.0.1"]


@pytest.mark.parametrize("state", ["STARTING", "BOOTSTRAPPING"])
def test_a_cluster_that_is_being_launched_is_not_looked_at(cloud: Cloud, state: str) -> None:
    """The kindest reading: else the script would replace its own replacement, for ever."""
    cloud.clusters["j-site-g1"]["state"] = "TERMINATING"
    cloud.add("site-g2", state=state)

    assert sick(cloud).script().run() is Seen.LAUNCHING
    assert (cloud.asked, cloud.log) == ([], [])


def test_the_newest_cluster_is_looked_at(cloud: Cloud) -> None:
    cloud.add("site-g2", address="10.0.0.9")
    cloud.script().run()

    assert cloud.asked == ["10.0.0.9"]


def test_clusters_of_others_are_none_of_its_business(cloud: Cloud) -> None:
    cloud.add("somebody-elses", address="10.9.9.9")
    cloud.script().run()

    assert cloud.asked == ["10.0.0.1"]


def test_without_a_cluster_one_is_launched_and_registered(cloud: Cloud) -> None:
    cloud.clusters["j-site-g1"]["state"] = "TERMINATED"

    done = cloud.script().run()

    assert isinstance(done, Replacement)
    assert done.old is None
    assert cloud.log[0] == "launched site-g2 in us-east-1a"
    assert cloud.registered()["arn:livy"] == ["10.0.0.2"]


def test_the_other_az_is_the_first_that_is_not_the_old_clusters(cloud: Cloud) -> None:
    cloud.clusters["j-site-g1"]["zone"] = "us-east-1b"

    sick(cloud).script().run()

    assert cloud.log[0] == "launched site-g2 in us-east-1a"


def test_an_old_cluster_that_ends_by_itself_does_not_stop_the_swap(cloud: Cloud) -> None:
    """EMR refuses to change it; the kindest reading is that the script knows."""
    cloud.on_sleep = [lambda: cloud.clusters["j-site-g1"].update(state="TERMINATING")]

    sick(cloud).script().run()

    assert cloud.registered()["arn:livy"] == ["10.0.0.2"]


def test_any_other_refusal_ends_the_run(cloud: Cloud, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud, "set_termination_protection", lambda **_: None)

    with pytest.raises(ClientError, match="TerminateJobFlows"):
        sick(cloud).script().run()
    assert cloud.registered()["arn:livy"] == ["10.0.0.1"]


def test_there_is_no_lock(cloud: Cloud) -> None:
    """A second run that begins while the first one waits launches a cluster, too."""
    cloud.on_sleep = [lambda: cloud.clusters["j-site-g2"].update(state="RUNNING"), lambda: cloud.script().run()]

    sick(cloud).script().run()

    assert [line for line in cloud.log if line.startswith("launched")] == [
        "launched site-g2 in us-east-1b",
        "launched site-g3 in us-east-1a",
    ]


def test_a_target_that_drains_is_not_deregistered_again(cloud: Cloud) -> None:
    cloud.targets["arn:livy"].append({"Id": "10.0.0.7", "Port": 1, "state": "draining"})

    cloud.script().register("10.0.0.2")

    assert "arn:livy loses 10.0.0.1" in cloud.log


def test_registering_what_is_registered_removes_nothing(cloud: Cloud) -> None:
    cloud.script().register("10.0.0.1")

    assert not any("loses" in line for line in cloud.log)


def test_a_primary_without_an_address_is_a_failed_look(cloud: Cloud) -> None:
    cloud.clusters["j-site-g1"]["address"] = ""

    done = cloud.script().run()

    assert isinstance(done, Replacement)
    assert done.why == "the primary has no address"
