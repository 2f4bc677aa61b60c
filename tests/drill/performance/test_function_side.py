"""What is measured in a function's process, by the deployed code (A11)."""

from __future__ import annotations

import pytest

from emr_drill.performance import measure
from emr_drill.performance.scene import scene

pytestmark = pytest.mark.long


def test_a_prober_looks_at_every_incarnation_and_a_monitor_at_what_serves() -> None:
    """What comes out is written by the deployed code: evidence of each, and verdicts."""
    with scene(3) as where:
        prober = measure._in_function("prober", "prober", "2", environment=where.environment)
        monitor = measure._in_function("monitor", "monitor", "1", environment=where.environment)
        evidence = where.evidence()

    assert len(prober["rounds"]) == 2 and len(monitor["rounds"]) == 1
    assert 10 < prober["peak_mib"] < 256
    assert {name for name, observer in evidence if observer.startswith("prober")} == {"g000001", "g000002", "g000003"}
    assert {name for name, observer in evidence if not observer.startswith("prober")} == {"g000001", "g000002"}


def test_an_import_is_timed() -> None:
    found = measure._in_function("prober", "import", "prober.handler", environment={})

    assert found["seconds"] > 0
