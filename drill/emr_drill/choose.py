"""Which machines stand behind the clusters of a drill."""

from __future__ import annotations

from pathlib import Path

from emr_drill.errors import DrillError
from emr_drill.ports import PrimaryFactory

JOB = Path(__file__).resolve().parent / "jobs" / "job.py"
SERVICES = ("simulated", "real")


def primary_factory(services: str) -> PrimaryFactory:
    """The factory for ``simulated`` or ``real`` services.

    Raises:
        DrillError: another word.
    """
    match services:
        case "simulated":
            from emr_drill.primary.primary import SimulatedPrimaryFactory

            return SimulatedPrimaryFactory()
        case "real":
            from emr_drill.real.primary import RealPrimaryFactory

            return RealPrimaryFactory()
        case _:
            raise DrillError(f"services must be one of {', '.join(SERVICES)}, got {services!r}")


def primary_ports(services: str) -> tuple[int, ...]:
    """What the services of a primary listen on, unless settings say otherwise."""
    if services == "real":
        from emr_drill.real.configuration import PORTS

        return PORTS
    from emr_drill.primary.simulated import configuration as simulated

    return (
        simulated.LIVY_PORT,
        simulated.RESOURCE_MANAGER_PORT,
        simulated.NAME_NODE_PORT,
        simulated.SUBMIT_PORT,
        simulated.NODE_PORT,
    )


def job_file(services: str) -> str:
    """URI of the workload's job as a cluster with these services reads it.

    Real Spark reads it from this machine's disk (Livy admits that folder by ``livy.file.local-dir-whitelist``).
    """
    return f"file://{JOB}" if services == "real" else str(JOB)
