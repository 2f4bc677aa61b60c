"""The benchmark's table."""

from __future__ import annotations

from typing import Any

from emr_drill.clients.judgement import Counts
from emr_drill.clients.table import stock_clients_table


def case(system: str, *, services: str = "real", pollers: int = 0, **counts: int) -> dict[str, Any]:
    jobs = Counts(submitted=10, **counts).to_dict()
    clients: dict[str, Any] = {"by_kind": {"curl": jobs} if services == "real" else {}}
    if pollers:
        clients["pollers"] = {"asked": pollers, "wrong": 0, "statuses": {"200": pollers - 7, "410": 7}}
    return {
        **{"what": f"what {system} does", "system": system, "services": services, "jobs": jobs, "clients": clients},
        **{"commit": "0123456789abcdef", "measured": "2026-11-29"},
    }


CONTENT = {
    "cases": {
        "both-busy": case("product", disturbed=1),
        "kill": case("product", disturbed=2),
        "control": case("plain", wrong=6, killed_others=3),
        "polls-switchover": case("product", services="simulated", pollers=5000),
    }
}


def rows() -> list[str]:
    return stock_clients_table(CONTENT).splitlines()


def test_a_row_for_each_case_and_their_sum() -> None:
    assert "| `both-busy`: what product does | 10 | 0 | 0 | 1 | 0 | 0 | 0 | **0** |" in rows()
    assert "| *control*: what plain does | 10 | 0 | 0 | 0 | 0 | 0 | 3 | **6** |" in rows()
    assert "| **behind the front door, all** | 20 | 0 | 0 | 3 | 0 | 0 | 0 | **0** |" in rows()


def test_a_row_for_each_client_with_the_control_beside_it() -> None:
    assert "| curl | 20 | 3 | **0** | 0 | 10 | **6** | 3 |" in rows()


def test_polls_are_a_sentence() -> None:
    assert rows()[-1].startswith("5000 polls by id on simulated services")
    assert "4993 times 200, 7 times 410" in rows()[-1]
    assert rows()[-1].endswith("**0**.")


def test_no_polls_no_sentence() -> None:
    only = {"cases": {"both-busy": CONTENT["cases"]["both-busy"], "control": CONTENT["cases"]["control"]}}

    assert "polls" not in stock_clients_table(only)
