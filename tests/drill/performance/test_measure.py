"""What is measured, and how it is kept (B13)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from emr_drill.performance import measure, page
from emr_drill.preflight import REPOSITORY


def test_apps_are_synthesized_in_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that other work on the machine meets all of them alike."""
    order: list[str] = []

    def synthesis(command: Sequence[str], folder: Path) -> dict[str, float]:
        order.append(" ".join(command))
        return {"seconds": 1.0, "processor_seconds": 1.0, "load": 0.0}

    def in_function(package: str, what: str, argument: str, *, environment: Mapping[str, str]) -> dict[str, Any]:
        one = {"seconds": 1.0, "processor_seconds": 1.0}
        return one if what == "import" else {"rounds": [one, one], "peak_mib": 50.0}

    @contextmanager
    def nowhere(incarnations: int) -> Iterator[Any]:
        assert incarnations == 50
        yield SimpleNamespace(environment={})

    monkeypatch.setattr(measure, "_synthesis", synthesis)
    monkeypatch.setattr(measure, "_in_function", in_function)
    monkeypatch.setattr(measure, "_sizes", lambda folder: {"templates": {}, "functions": {}})
    monkeypatch.setattr(measure, "scene", nowhere)
    found = measure.run(say=lambda text: None)

    assert order[: len(measure.APPS)] == order[len(measure.APPS) : 2 * len(measure.APPS)]
    assert {len(times) for times in found["synthesis"].values()} == {measure.TURNS}
    assert page.document(found).startswith("# Performance")


def test_sizes_are_of_what_is_uploaded(assembly: Path) -> None:
    sizes = measure._sizes(assembly)

    assert {"Platform", "ActivePassive"} <= sizes["templates"].keys()
    assert sizes["functions"].keys() == {"emr_leftovers", "failover", "monitor", "prober"}
    assert all(1_000 < size < 1_000_000 for size in sizes["functions"].values())


def test_every_measured_handler_exists() -> None:
    for name in measure.HANDLERS:
        assert (REPOSITORY / "lambda" / f"{name.replace('.', '/')}.py").is_file()


@pytest.mark.long
@pytest.mark.parametrize(
    ("name", "stacks"), [("empty", {"Empty"}), ("one_strategy_without_checks", {"ActivePassive", "Platform"})]
)
def test_an_app_is_synthesized_in_a_process_of_its_own(tmp_path: Path, name: str, stacks: set[str]) -> None:
    found = measure._synthesis(measure.APPS[name], tmp_path)

    assert {file.name.partition(".")[0] for file in tmp_path.glob("*.template.json")} >= stacks
    assert found["processor_seconds"] > 0
