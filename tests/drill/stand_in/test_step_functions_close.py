"""The end of a stand-in is the end of its executions.  Apart from the rest, whose stand-in must stay open."""

from __future__ import annotations

import json
from pathlib import Path

from .fakes import fake_stand_in, wait_until


def test_closing_stops_what_runs(tmp_path: Path) -> None:
    with fake_stand_in(tmp_path) as stand_in:
        definition = {"StartAt": "Wait", "States": {"Wait": {"Type": "Wait", "Seconds": 9999, "End": True}}}
        execution = stand_in.start(definition)
        stand_in.state_machines.close()
        client = stand_in.client("stepfunctions")
        wait_until(
            lambda: "ExecutionAborted" in json.dumps(client.get_execution_history(executionArn=execution), default=str)
        )
        assert stand_in.execution(execution).status == "ABORTED"
