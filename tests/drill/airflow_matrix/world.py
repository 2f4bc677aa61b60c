"""A result file of the matrix, made up."""

from __future__ import annotations

from typing import Any

from emr_drill.airflow_matrix.clients import Operator, clients


def run(**changes: Any) -> dict[str, Any]:
    """One run that is as it must be."""
    return {
        **{"case": "ghost", "operator": "ours", "mode": "sync", "release": "3.0.6", "struck": True},
        **{"outcome": "right", "said": "success", "effects": 1, "batches": 1, "tries": 1, "strangers": []},
        **{"deletes": 0, "reason": ""},
        **changes,
    }


def group(*runs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """One group of a deployment."""
    return {
        **{"strategy": "active-passive", "services": "simulated", "seed": 1, "group": "wire", "copies": 2},
        **{
            "speed": 5.0,
            "clients": [client.name for client in clients(tuple(Operator))],
            "machine_seconds": 9.0,
            "measured": "2026-11-29",
        },
        **{"commit": "c" * 40, "code": "this"},
        **changes,
        "runs": list(runs),
    }


def content(**groups: dict[str, Any]) -> dict[str, Any]:
    """A result file."""
    return {"what": "tried", "groups": groups}
