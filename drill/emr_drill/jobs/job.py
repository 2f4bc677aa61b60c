"""The Spark job of a drill: count something, run for a while, leave one line in the ledger.

Runs as a Livy batch under real Spark; simulated services read the same arguments and do the same.  The line is the
job's *effect*: what a real job would write to its table.  It goes to a file outside all clusters, in one O_APPEND
write, so that whatever becomes of the cluster, the truth of what the job did stays.

Arguments: job key, seconds to run on the drill's clock, ``succeed`` or ``fail``.
Environment: ``DRILL_LEDGER`` (file), ``DRILL_INCARNATION`` (the cluster's name), ``DRILL_CLOCK`` (file with what
``Clock.to_json`` gives; YARN would eat the quotes of JSON in a variable).  Spark's setting ``spark.drill.light`` leaves
the counting out.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Run the job; the exit code is what Livy's state is made from."""
    key, seconds, ending = arguments
    # Present where the job runs, not where the drill does.
    from pyspark.sql import SparkSession  # pyright: ignore[reportMissingImports]

    clock = json.loads(Path(os.environ["DRILL_CLOCK"]).read_text())
    deadline = time.monotonic() + float(seconds) / clock["speed"]
    spark = SparkSession.builder.appName(key).getOrCreate()
    application = spark.sparkContext.applicationId
    # Where hundreds of jobs are run for what becomes of them, none counts: an executor costs as much as all the rest.
    light = spark.sparkContext.getConf().get("spark.drill.light") == "true"
    count = 0 if light else spark.sparkContext.parallelize(range(1000), 2).map(lambda number: number * number).count()
    while time.monotonic() < deadline:
        time.sleep(0.1)
    line = {
        "job": key,
        "incarnation": os.environ["DRILL_INCARNATION"],
        "application": application,
        "at": clock["origin"] + (time.monotonic() - clock["machine_origin"]) * clock["speed"],
        "event": "effect" if ending == "succeed" else "failed",
        "count": count,
    }
    descriptor = os.open(os.environ["DRILL_LEDGER"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(descriptor, (json.dumps(line) + "\n").encode())
    finally:
        os.close(descriptor)
    spark.stop()
    return 0 if ending == "succeed" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
