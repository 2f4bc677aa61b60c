"""YARN applications in the words of the ResourceManager's web services."""

from __future__ import annotations

import pytest

from emr_drill.primary.simulated.applications import Application, State
from tests.drill.primary.simulated.conftest import sample


def application(state: State, exit_code: int | None = None) -> Application:
    """One application in *state*."""
    return Application(
        id="application_1795231846655_0001",
        name="one",
        tags="livy-batch-1-abcd",
        file="job.py",
        state=state,
        exit_code=exit_code,
    )


@pytest.mark.parametrize(
    ("state", "exit_code", "expected"),
    [
        (State.ACCEPTED, None, "UNDEFINED"),
        (State.RUNNING, None, "UNDEFINED"),
        (State.FINISHED, 0, "SUCCEEDED"),
        (State.FINISHED, 1, "FAILED"),
        (State.KILLED, None, "KILLED"),
    ],
)
def test_the_final_status_tells_how_it_ended(state: State, exit_code: int | None, expected: str) -> None:
    assert application(state, exit_code).final_status == expected


def test_the_json_has_only_names_that_the_real_one_has() -> None:
    written = application(State.FINISHED, 0).to_json(address="127.0.0.1", port=8088, now=0)

    assert written.keys() <= sample("rm-apps")["apps"]["app"][0].keys()


def test_the_cluster_id_is_the_start_of_the_resource_manager() -> None:
    """By it a batch's application proves which cluster ran it."""
    written = application(State.RUNNING).to_json(address="127.0.0.1", port=8088, now=0)

    assert written["clusterId"] == 1795231846655


def test_a_failed_application_says_why() -> None:
    assert application(State.FINISHED, 1).diagnostics == "User application exited with status 1"
