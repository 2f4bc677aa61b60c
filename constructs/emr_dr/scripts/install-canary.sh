#!/usr/bin/env bash
# Put the canary, a small Spark job that proves a cluster, where Livy can read it.
#
# usage: install-canary.sh URI      (for example hdfs:///tmp/emr-dr/canary.py)
set -euo pipefail

target=${1:?usage: install-canary.sh URI}

hdfs dfs -mkdir -p "$(dirname "$target")"
hdfs dfs -put -f - "$target" <<'PYTHON'
"""Prove that Spark runs: two tasks on executors, a shuffle and an answer that is known beforehand."""

from pyspark.sql import SparkSession

ROWS = 1000

spark = SparkSession.builder.appName("emr-dr-canary").getOrCreate()
counted = spark.range(ROWS).repartition(2).count()
spark.stop()
print(f"counted {counted} of {ROWS} rows")
if counted != ROWS:
    raise SystemExit(1)
PYTHON
echo "install-canary.sh: the canary is at $target"
