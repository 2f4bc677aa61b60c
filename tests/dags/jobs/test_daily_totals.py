"""The job of the data set: however often it runs, and wherever it breaks off, one run of a day counts (A9, B11)."""

from __future__ import annotations

import ast
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto import mock_aws

from emr_drill.preflight import REPOSITORY

from ..files import JOB, job

SPARK = REPOSITORY / "build" / "real" / "spark"
TOTALS = job()
DAY = "2026-11-29"
OUTPUT = "s3://data/daily-totals"


@pytest.fixture(scope="module")
def s3() -> Iterator[Any]:
    with mock_aws():
        client: Any = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket="data")
        # S3 looks and writes in one step where a condition is given; moto in two, between which others write.
        put, one_at_a_time = client.put_object, threading.Lock()

        def put_object(**arguments: Any) -> Any:
            with one_at_a_time:
                return put(**arguments)

        client.put_object = put_object
        yield client


@pytest.fixture(params=["file", "s3"])
def place(request: pytest.FixtureRequest, tmp_path: Path, s3: Any) -> tuple[Any, Any]:
    """Markers and a day, in each storage."""
    if request.param == "file":
        return TOTALS.FileMarkers(), TOTALS.Day(output=f"file://{tmp_path}", date=DAY)
    return TOTALS.S3Markers(s3), TOTALS.Day(output=f"{OUTPUT}/{tmp_path.name}", date=DAY)


def counting(rows: int, written: list[str]) -> Any:
    def write(path: str) -> int:
        written.append(path)
        return rows

    return write


def test_what_a_run_wrote_counts(place: tuple[Any, Any]) -> None:
    markers, day = place
    written: list[str] = []

    found = TOTALS.carry_out(markers, day, "1-app", counting(5, written))

    assert found == TOTALS.Committed(run="1-app", rows=5) == TOTALS.committed(markers, day)
    assert written == [f"{day.output}/date={DAY}/run=1-app"]


def test_a_day_that_has_its_totals_is_left_alone(place: tuple[Any, Any]) -> None:
    """A job that was lost after its commit, and is run again."""
    markers, day = place
    first = TOTALS.carry_out(markers, day, "1-app", counting(5, []))
    written: list[str] = []

    assert TOTALS.carry_out(markers, day, "1-other", counting(6, written)) == first
    assert written == []


def test_what_was_lost_before_its_commit_never_counts(place: tuple[Any, Any]) -> None:
    markers, day = place

    def dies(path: str) -> int:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TOTALS.carry_out(markers, day, "1-app", dies)

    assert TOTALS.committed(markers, day) is None
    assert TOTALS.carry_out(markers, day, "1-other", counting(6, [])).run == "1-other"


def test_of_two_that_run_at_once_the_first_to_commit_counts_for_both(place: tuple[Any, Any]) -> None:
    """Doubled: the slow one finds the other's result and takes it for its own."""
    markers, day = place

    def is_overtaken(path: str) -> int:
        TOTALS.carry_out(markers, day, "2-fast", counting(6, []))
        return 5

    assert TOTALS.carry_out(markers, day, "1-slow", is_overtaken).run == "2-fast"
    assert TOTALS.committed(markers, day).run == "2-fast"


def test_of_many_that_commit_at_once_one_counts(place: tuple[Any, Any]) -> None:
    markers, day = place
    start, found = threading.Barrier(8), []

    def run(number: int) -> None:
        start.wait()
        found.append(TOTALS.commit(markers, day, TOTALS.Committed(run=str(number), rows=number)))

    threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert {each.run for each in found} == {TOTALS.committed(markers, day).run}


def test_no_two_runs_have_the_same_path() -> None:
    """Not even two drivers of one application."""
    assert len({TOTALS.run_name("1", "application_1_0001") for _ in range(100)}) == 100


class Answers:
    """S3 that takes what is written and loses its answers, or is busy."""

    def __init__(self, client: Any, *codes: str, takes: bool) -> None:
        self.meta, self.exceptions, self.get_object = client.meta, client.exceptions, client.get_object
        self._client, self._codes, self._takes = client, list(codes), takes

    def put_object(self, **arguments: Any) -> None:
        if self._codes:
            if self._takes:
                self._client.put_object(**arguments)
            raise ClientError({"Error": {"Code": self._codes.pop(0)}}, "PutObject")
        self._client.put_object(**arguments)


def test_an_own_marker_whose_answer_was_lost_is_known_again(s3: Any) -> None:
    """The SDK writes once more then, and is told that it is there."""
    day = TOTALS.Day(output=f"{OUTPUT}/lost-answer", date=DAY)
    markers = TOTALS.S3Markers(Answers(s3, "PreconditionFailed", takes=True))

    assert TOTALS.carry_out(markers, day, "1-app", counting(5, [])).run == "1-app"


def test_writes_that_meet_are_tried_again(s3: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TOTALS, "CONFLICT_SECONDS", 0)
    day = TOTALS.Day(output=f"{OUTPUT}/conflict", date=DAY)
    conflict = ["ConditionalRequestConflict"]

    found = TOTALS.carry_out(TOTALS.S3Markers(Answers(s3, *conflict * 4, takes=False)), day, "1-app", counting(5, []))
    assert found.run == "1-app"
    with pytest.raises(ClientError, match="ConditionalRequestConflict"):
        TOTALS.S3Markers(Answers(s3, *conflict * 5, takes=False)).create(f"{OUTPUT}/other", "{}")


def test_any_other_refusal_is_an_error(s3: Any) -> None:
    """Not a sign that another run counts."""
    with pytest.raises(ClientError, match="AccessDenied"):
        TOTALS.S3Markers(Answers(s3, "AccessDenied", takes=False)).create(f"{OUTPUT}/denied", "{}")


def test_a_marker_that_vanishes_is_an_error(tmp_path: Path) -> None:
    class Forgetful(TOTALS.FileMarkers):  # type: ignore[misc, name-defined]
        def read(self, uri: str) -> None:
            return None

    day = TOTALS.Day(output=f"file://{tmp_path}", date=DAY)
    TOTALS.FileMarkers().create(day.marker, "{}")

    with pytest.raises(RuntimeError, match="somebody removed it"):
        TOTALS.carry_out(Forgetful(), day, "1-app", counting(5, []))


def test_an_sdk_that_overwrites_is_refused_before_anything_is_computed(s3: Any) -> None:
    class Old:
        class meta:
            class service_model:
                @staticmethod
                def operation_model(name: str) -> Any:
                    return type("Model", (), {"input_shape": type("Shape", (), {"members": {"Bucket": None}})})

    with pytest.raises(ValueError, match=r"boto3 1\.35\.2 or newer is needed"):
        TOTALS.S3Markers(Old())


def test_storage_that_dies_with_its_cluster_is_refused() -> None:
    with pytest.raises(ValueError, match=r"must begin with s3:// .* got 'hdfs:///totals'"):
        TOTALS.markers_of("hdfs:///totals")


def test_it_speaks_the_python_of_emr() -> None:
    """EMR 7 has Python 3.9."""
    tree = ast.parse(JOB.read_text(), feature_version=(3, 9))

    imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) for alias in node.names}
    assert imported.isdisjoint({"StrEnum", "UTC", "Self", "assert_never"})


@pytest.mark.long
def test_real_spark_writes_a_day_once(tmp_path: Path) -> None:
    if not (SPARK / "pyspark").is_dir() or shutil.which("java") is None:
        pytest.skip("Spark is not installed (`emr-dr real-services install`), or there is no Java")
    arguments = ["--output", f"file://{tmp_path}/totals", "--date", DAY, "--attempt"]
    # One after the other in one process, as starting Spark takes longest.
    program = (
        f"import daily_totals as job; raise SystemExit(job.main({[*arguments, '1']}) or job.main({[*arguments, '2']}))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={
            **{"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": f"{JOB.parent}{os.pathsep}{SPARK}"},
            **{"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"},
            "PYSPARK_SUBMIT_ARGS": "--master local[1] --conf spark.ui.enabled=false "
            "--conf spark.sql.shuffle.partitions=1 pyspark-shell",
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    first, second = done.stdout.splitlines()

    assert first.startswith(f"{DAY} has the totals of 1000 customers by this run")
    assert "which was first" in second

    marker = json.loads((tmp_path / "totals" / f"date={DAY}" / "_committed.json").read_text())
    (path,) = (tmp_path / "totals" / f"date={DAY}").glob("run=*")
    assert (path.name, marker["rows"]) == (f"run={marker['run']}", 1000)
    assert (path / "_SUCCESS").is_file() and list(path.glob("part-*.parquet")) != []
