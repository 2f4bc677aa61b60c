"""What a person does to a task in Airflow's interface, by the functions that the interface calls.

Runs where Airflow is installed; arguments: a DAG, and ``failed`` or ``cleared``.
"""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import sys

from airflow.models.taskinstance import TaskInstance, clear_task_instances
from airflow.utils.session import create_session


def main(dag: str, how: str) -> int:
    """Change the state of the one task of *dag*."""
    with create_session() as session:
        found = session.query(TaskInstance).filter(TaskInstance.dag_id == dag).one()
        if how == "failed":
            found.set_state("failed", session=session)
        else:
            clear_task_instances([found], session=session)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
