"""The Spark job of a drill, with a stand-in for Spark."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from emr_drill.clock import Clock
from emr_drill.jobs import job
from emr_drill.jobs.ledger import read


class Numbers:
    """A distributed collection that is not."""

    def __init__(self, values: Iterable[int]) -> None:
        self._values = list(values)

    def map(self, change: Callable[[int], int]) -> Numbers:
        return Numbers(change(value) for value in self._values)

    def count(self) -> int:
        return len(self._values)


class Spark:
    """A session, its builder and its context in one."""

    applicationId = "application_1_0001"

    def __init__(self) -> None:
        self.names: list[str] = []
        self.stopped = 0
        self.settings: dict[str, str] = {}

    def getConf(self) -> dict[str, str]:
        return self.settings

    @property
    def builder(self) -> Spark:
        return self

    @property
    def sparkContext(self) -> Spark:
        return self

    def appName(self, name: str) -> Spark:
        self.names.append(name)
        return self

    def getOrCreate(self) -> Spark:
        return self

    def parallelize(self, values: Iterable[int], slices: int) -> Numbers:
        return Numbers(values)

    def stop(self) -> None:
        self.stopped += 1


@pytest.fixture
def spark(monkeypatch: pytest.MonkeyPatch) -> Spark:
    made = Spark()
    sql: Any = ModuleType("pyspark.sql")
    sql.SparkSession = made
    monkeypatch.setitem(sys.modules, "pyspark", ModuleType("pyspark"))
    monkeypatch.setitem(sys.modules, "pyspark.sql", sql)
    return made


@pytest.fixture
def clock() -> Clock:
    return Clock(speed=1000.0, machine_origin=time.monotonic(), origin=1_800_000_000.0)


@pytest.fixture
def ledger(tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    (tmp_path / "clock.json").write_text(clock.to_json())
    monkeypatch.setenv("DRILL_CLOCK", str(tmp_path / "clock.json"))
    monkeypatch.setenv("DRILL_LEDGER", str(tmp_path / "ledger.jsonl"))
    monkeypatch.setenv("DRILL_INCARNATION", "dep-a-g1")
    yield tmp_path / "ledger.jsonl"


def test_a_job_leaves_its_effect_in_the_ledger(spark: Spark, ledger: Path) -> None:
    assert job.main(["before-01", "0", "succeed"]) == 0

    (entry,) = read(ledger)
    assert (entry.job, entry.incarnation, entry.application, entry.event) == (
        "before-01",
        "dep-a-g1",
        "application_1_0001",
        "effect",
    )


def test_a_job_that_fails_on_purpose_says_so_and_has_no_effect(spark: Spark, ledger: Path) -> None:
    assert job.main(["before-03", "0", "fail"]) == 1

    assert [entry.event for entry in read(ledger)] == ["failed"]


def test_a_line_is_added_to_those_of_other_jobs(spark: Spark, ledger: Path) -> None:
    job.main(["a", "0", "succeed"])
    job.main(["b", "0", "succeed"])

    assert [entry.job for entry in read(ledger)] == ["a", "b"]


def test_a_job_takes_its_time_on_the_drills_clock(spark: Spark, ledger: Path, clock: Clock) -> None:
    began = clock.now()
    job.main(["a", "150", "succeed"])

    (entry,) = read(ledger)
    assert began + 150 <= entry.at <= clock.now()


def test_spark_is_used_and_stopped(spark: Spark, ledger: Path) -> None:
    job.main(["a", "0", "succeed"])

    assert (spark.names, spark.stopped) == (["a"], 1)
    assert '"count": 1000' in ledger.read_text()


def test_a_light_job_counts_nothing_and_leaves_its_effect_all_the_same(spark: Spark, ledger: Path) -> None:
    """An executor costs as much as all the rest, and hundreds of jobs are run for what becomes of them."""
    spark.settings["spark.drill.light"] = "true"
    job.main(["a", "0", "succeed"])

    assert '"count": 0' in ledger.read_text()
    assert [entry.event for entry in read(ledger)] == ["effect"]


def test_wrong_arguments_fail_before_spark_starts(spark: Spark, ledger: Path) -> None:
    with pytest.raises(ValueError, match="unpack"):
        job.main(["a", "150"])
    assert spark.names == []
