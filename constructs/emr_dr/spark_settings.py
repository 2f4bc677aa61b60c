"""Which of Spark's defaults are not the settings' to choose, as the product stands on them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from emr_dr.settings_errors import Problem

# What each of them would break.
OURS: Final = {
    "spark.master": "jobs run in YARN: what runs anywhere else is neither seen nor ended with its cluster",
    "spark.submit.deployMode": "drivers run in YARN: one beside Livy ends with Livy's next restart",
    "spark.yarn.tags": "Livy finds the applications of its batches by the tag that it sets",
    "spark.yarn.submit.waitAppCompletion": "Livy chooses how long its submissions wait",
}


def problems(defaults: Mapping[str, str]) -> Iterator[Problem]:
    """What of the settings' Spark defaults would break the product."""
    for name in sorted(defaults.keys() & OURS.keys()):
        yield Problem(
            key=f"cluster.spark_defaults.{name}",
            got=defaults[name],
            allowed=f"every property of Spark but {', '.join(OURS)}; of this one: {OURS[name]}",
            remedy="leave it out",
        )
