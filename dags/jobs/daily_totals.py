"""Totals of one day's orders, written so that to run it twice is to run it once.

usage: daily_totals.py --output s3://bucket/prefix --date 2026-11-29 [--attempt 1] [--sample]

Jobs are run at least once: one that was lost with its cluster may have ended its work before, and one whose client gave
up may still run beside its successor.  So nothing that counts is ever written twice::

    OUTPUT/date=2026-11-29/run=1-application_1795230625000_0007-5f0c2b9a/part-*.parquet
    OUTPUT/date=2026-11-29/_committed.json

* Each run writes to a path that is its own: the try and the application say whose it is, and the rest makes it unlike
  any other, as YARN may start the driver of an application a second time.
* What counts is named by the marker, which is made once, when its run is complete, by a write that the storage refuses
  if there is one already.  So of any number of runs one is committed, and which one never changes.
* A run that finds a marker does nothing, and one that comes second takes the first one's result for its own: both
  succeed, as the day has its totals.

Whoever reads looks at the marker first (:func:`committed`) and then at the one path in it: the folder of a day may hold
runs that do not count.

Python 3.9, which EMR 7 has, with PySpark and, for ``s3://``, boto3 1.35.2 or newer; EMR's Python has none, so that it
comes along as the archive ``packages`` (see ``dags/emr_daily_totals.py``).
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# How many orders a day has, and of how many customers; a sample has one in SAMPLE.
ORDERS = 100_000
CUSTOMERS = 1000
SAMPLE = 100

# The folder that YARN unpacks the archive of the same name to, in the working directory of the driver.
PACKAGES = "packages"
# S3 answers 409 where two conditional writes of a key meet; one of them has won as soon as it has ended.
CONFLICTS = 5
CONFLICT_SECONDS = 0.5


@dataclass(frozen=True)
class Committed:
    """What the marker of a day says.

    Attributes:
        run: name of the run that counts, also the last part of its path.
        rows: how many rows it wrote.
    """

    run: str
    rows: int


@dataclass(frozen=True)
class Day:
    """Where the totals of a day lie.

    Attributes:
        output: URI of the data set, without a slash at its end.
        date: such as ``2026-11-29``.
    """

    output: str
    date: str

    @property
    def marker(self) -> str:
        """URI of the marker."""
        return f"{self.output}/date={self.date}/_committed.json"

    def path(self, run: str) -> str:
        """URI of the folder that a run writes to."""
        return f"{self.output}/date={self.date}/run={run}"


def run_name(attempt: str, application: str) -> str:
    """A new name for a run; the try of its task and its application are for people."""
    return f"{attempt}-{application}-{uuid.uuid4().hex[:8]}"


class FileMarkers:
    """Markers in a file system that all machines share."""

    def read(self, uri: str) -> str | None:
        """The marker's text, ``None`` if there is none."""
        try:
            return Path(urlsplit(uri).path).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None

    def create(self, uri: str, text: str) -> bool:
        """Make the marker unless there is one; whether it was made.  Nobody ever sees a part of it."""
        path = Path(urlsplit(uri).path)
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=path.parent, prefix="_committed-") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            try:
                os.link(file.name, path)
            except FileExistsError:
                return False
        return True


class S3Markers:
    """Markers in S3, by conditional writes.

    Raises:
        ValueError: this boto3 does not know them.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        if "IfNoneMatch" not in client.meta.service_model.operation_model("PutObject").input_shape.members:
            raise ValueError(
                "boto3 1.35.2 or newer is needed, which can write an object only if it is not there: renew the archive "
                "of packages"
            )

    def read(self, uri: str) -> str | None:
        """The marker's text, ``None`` if there is none."""
        try:
            answer = self._client.get_object(**_object(uri))
        except self._client.exceptions.NoSuchKey:
            return None
        text: bytes = answer["Body"].read()
        return text.decode()

    def create(self, uri: str, text: str) -> bool:
        """Make the marker unless there is one; whether it was made."""
        for left in reversed(range(CONFLICTS)):
            try:
                self._client.put_object(
                    **_object(uri), Body=text.encode(), ContentType="application/json", IfNoneMatch="*"
                )
                return True
            except self._client.exceptions.ClientError as error:
                code = error.response.get("Error", {}).get("Code")
                if code == "PreconditionFailed":
                    return False
                if code != "ConditionalRequestConflict" or not left:
                    raise
                time.sleep(CONFLICT_SECONDS)
        raise AssertionError("the last conflict is raised")


def _object(uri: str) -> dict[str, str]:
    parts = urlsplit(uri)
    return {"Bucket": parts.netloc, "Key": parts.path.lstrip("/")}


def markers_of(output: str) -> Any:
    """What makes and reads markers there.

    Raises:
        ValueError: the storage is none that outlives a cluster, or boto3 is missing or too old.
    """
    scheme = urlsplit(output).scheme
    if scheme == "file":
        return FileMarkers()
    if scheme != "s3":
        raise ValueError(f"output must begin with s3:// (or file://, where all machines share it), got {output!r}")
    sys.path.insert(0, str(Path(PACKAGES).resolve()))
    try:
        import boto3
    except ImportError as error:
        raise ValueError(
            f"boto3 is missing: submit the job with an archive of it (archives=['s3://.../packages.tar.gz#{PACKAGES}'])"
        ) from error
    return S3Markers(boto3.client("s3"))


def committed(markers: Any, day: Day) -> Committed | None:
    """The run of a day that counts, ``None`` if none does yet."""
    text = markers.read(day.marker)
    return None if text is None else Committed(**json.loads(text))


def commit(markers: Any, day: Day, mine: Committed) -> Committed:
    """Let *mine* count, unless another run counts already; the one that counts."""
    if markers.create(day.marker, json.dumps(asdict(mine), sort_keys=True)):
        return mine
    # It may be this run's all the same: the answer to an earlier write of it was lost, and the SDK wrote again.
    found = committed(markers, day)
    if found is None:
        raise RuntimeError(f"{day.marker} was there a moment ago, and is gone: somebody removed it")
    return found


def carry_out(markers: Any, day: Day, run: str, write: Callable[[str], int]) -> Committed:
    """Give a day its totals, unless it has them; what counts afterwards, be it of this run or of another.

    Args:
        markers: of the storage.
        day: which.
        run: name of this run.
        write: writes the totals to a path, which nobody else writes to, and returns how many rows they have.
    """
    found = committed(markers, day)
    return found if found is not None else commit(markers, day, Committed(run=run, rows=write(day.path(run))))


def totals(spark: Any, date: str, *, sample: bool) -> Any:
    """The totals of a day, a row for each customer.

    The orders are made up, the same ones for the same day; read your own here.
    """
    from pyspark.sql import functions

    orders = spark.range(0, ORDERS, SAMPLE if sample else 1).select(
        (functions.abs(functions.hash("id", functions.lit(date))) % CUSTOMERS).alias("customer"),
        (functions.abs(functions.hash(functions.lit(date), "id")) % 10_000).alias("cents"),
    )
    return orders.groupBy("customer").agg(functions.sum("cents").alias("cents"), functions.count("*").alias("orders"))


def main(arguments: Sequence[str]) -> int:
    """Run the job; the exit status of the driver."""
    parser = argparse.ArgumentParser(description="Totals of one day's orders.")
    parser.add_argument("--output", required=True, help="URI of the data set")
    parser.add_argument("--date", required=True, help="the day, such as 2026-11-29")
    parser.add_argument("--attempt", default="1", help="the try of the task that submits the job")
    parser.add_argument("--sample", action="store_true", help="compute totals of a part of the orders, write nothing")
    given = parser.parse_args(arguments)
    day = Day(output=given.output.rstrip("/"), date=given.date)
    markers = markers_of(day.output)  # before anything is computed: what is missing is told at once

    from pyspark.sql import SparkSession

    spark = SparkSession.builder.appName(f"daily-totals {day.date}").getOrCreate()
    try:
        if given.sample:
            rows = totals(spark, day.date, sample=True).count()
            print(f"a sample of {day.date} has {rows} customers; nothing was written")
            return 0 if rows else 1

        def write(path: str) -> int:
            totals(spark, day.date, sample=False).write.parquet(path)  # refuses a path that is there
            return int(spark.read.parquet(path).count())

        run = run_name(given.attempt, spark.sparkContext.applicationId)
        found = carry_out(markers, day, run, write)
    finally:
        spark.stop()
    by = "this run" if found.run == run else f"run {found.run}, which was first"
    print(f"{day.date} has the totals of {found.rows} customers by {by}: {day.path(found.run)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
