"""Deferrable tasks under Airflow's own scheduler and triggerer, on simulated clusters (A6, A9, B11).

``dag.test()`` runs triggers in line and hides what a triggerer has and has not.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.provider.airflows import VERSIONS
from tests.provider.services import HERE, airflow, until
from tests.provider.site import site

pytestmark = [
    pytest.mark.long,
    # With 2.11.0 it ended within seven minutes once, and once not within ten: not what a test is to depend on.
    pytest.mark.parametrize("version", VERSIONS if "EMR_DR_SERVICES" in os.environ else VERSIONS[:1]),
]
DAGS = ("well", "other", "failed", "cleared")


def test_deferrable_tasks_under_scheduler_and_triggerer(version: str, tmp_path: Path) -> None:
    """They defer, the triggerer polls, they succeed; one that is taken away ends its own batch and no other."""
    with (
        site(tmp_path) as where,
        airflow(version, tmp_path / "home", [HERE / "deferred_dags.py"], livy=where.host) as service,
    ):
        seen: set[tuple[str, str]] = set()

        def deferred_and_polled() -> bool:
            seen.update(service.states().items())
            return all((dag, "deferred") in seen and where.wire.of(dag, "poll") for dag in DAGS)

        until(deferred_and_polled, "every task to be deferred and polled by the triggerer", service)
        for dag in ("failed", "cleared"):
            assert where.wire.of(dag, "delete") == []
            service.take_away(dag, dag)
        until(
            lambda: all(where.wire.of(dag, "delete") for dag in ("failed", "cleared")),
            "the batches of the tasks that were taken away to be deleted",
            service,
        )
        until(lambda: service.states()["well"] == "success", "the task that nobody disturbed", service)
        until(lambda: service.states()["cleared"] == "success", "the second try of the one that was cleared", service)
        until(lambda: service.states()["other"] == "success", "the one that ran beside", service, 400)

        assert service.states()["failed"] == "failed"
        for dag in ("well", "other", "cleared"):
            assert len(where.effects(dag)) == 1, dag
        assert where.effects("failed") == []
        # Each deleted its own, of its first try.
        assert [one.name[-6:] for one in where.wire.of("failed", "delete")] == ["-t1-r0"]
        assert {one.name[-6:] for one in where.wire.of("cleared", "delete")} == {"-t1-r0"}
        assert where.wire.of("well", "delete") == where.wire.of("other", "delete") == []
        assert [len(where.wire.of(dag, "submit")) for dag in DAGS] == [1, 1, 1, 2]
