"""Which of Spark's defaults the settings may choose."""

from __future__ import annotations

from emr_dr.spark_settings import OURS, problems


def test_what_does_not_say_where_jobs_run_is_free() -> None:
    assert list(problems({"spark.sql.shuffle.partitions": "400", "spark.yarn.maxAppAttempts": "1"})) == []


def test_each_property_that_the_product_stands_on_is_refused_with_what_it_would_break() -> None:
    """A12: the canary, the end of jobs with their cluster and Livy's restart count on them."""
    found = list(problems(dict.fromkeys(OURS, "x")))

    assert [each.key for each in found] == [f"cluster.spark_defaults.{name}" for name in sorted(OURS)]
    for each in found:
        assert OURS[each.key.removeprefix("cluster.spark_defaults.")] in each.allowed
