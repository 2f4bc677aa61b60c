"""The end of a cluster: it is ours in the record before EMR hears of it."""

from __future__ import annotations

from typing import Any

import pytest

from failover.errors import InvariantError
from failover.removal import request_end

from .fakes import FakeEmr
from .parts import LostAnswerError
from .scenarios import failing, launched
from .world import World


def test_our_own_termination_is_never_taken_for_a_persons(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The step dies after EMR took the request; EMR's reason is ``USER_REQUEST``, whoever asked."""
    terminate = FakeEmr.terminate_job_flows

    def terminate_job_flows(self: FakeEmr, **request: Any) -> None:
        terminate(self, **request)
        raise LostAnswerError("the process died")

    monkeypatch.setattr(FakeEmr, "terminate_job_flows", terminate_job_flows)
    request = failing(launched(world))
    world.run_operation(request, until="Fence")
    with pytest.raises(LostAnswerError):
        world.step("operation", "Fence", request)
    assert world.incarnation(1).terminate_requested_at is not None


def test_a_cluster_of_somebody_else_is_not_marked_as_ended_by_us(world: World) -> None:
    """It is left alone, so that its end will be somebody else's."""
    launched(world).cluster(1).tags.clear()
    with pytest.raises(InvariantError, match="must not be ended"):
        request_end(world.deployment, world.incarnation(1))
    assert world.incarnation(1).terminate_requested_at is None
