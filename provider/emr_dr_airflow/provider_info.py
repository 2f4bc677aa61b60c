"""What Airflow is told of this package; see the entry point ``apache_airflow_provider``."""

from __future__ import annotations

from typing import Any

from emr_dr_airflow import __version__


def get_provider_info() -> dict[str, Any]:
    """The package in the shape of Airflow's ``provider_info.schema.json``.

    Links of operators must be named here: Airflow 2.11's web server loads no other.
    """
    return {
        "package-name": "emr-dr-airflow",
        "name": "emr-dr",
        "description": "Livy behind emr-dr's front door: safe to repeat, and right through a failover",
        "versions": [__version__],
        "extra-links": ["emr_dr_airflow.links.SparkHistoryLink"],
    }
