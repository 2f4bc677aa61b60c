"""Rows of the fault table in which nothing is broken: what a person asks for while jobs run."""

from __future__ import annotations

from dr_core.requests import DrainMode, Kind, Reason
from emr_drill.faults.model import Act, Fault, Page, planned
from emr_drill.faults.scene import Scene
from emr_drill.faults.traces import Trace

ASKED = "nobody has to; a person asks for it"


def _asks(what: str, **request: str) -> Act:
    """A person starts a switchover by the machine's input."""

    def do(scene: Scene) -> None:
        scene.ask_for(Kind.SWITCHOVER, **request)

    return Act(what=what, do=do)


MOVED = Trace(what="the new cluster serves in another AZ", kind="notification", like={"subject": "*switched over*"})

ROWS: tuple[Fault, ...] = (
    Fault(
        name="switchover",
        acts=(_asks("a person asks for a switchover", reason=Reason.MANUAL),),
        expect=planned(),
        must="no submit is refused, every job that runs ends on the old cluster and its client reads the result; then "
        "that cluster is retired",
        notices=ASKED,
        struck=(MOVED,),
    ),
    Fault(
        name="evacuate",
        acts=(
            _asks(
                "a person evacuates the AZ and wants jobs ended at once",
                reason=Reason.EVACUATION,
                drain=DrainMode.NOW,
            ),
        ),
        expect=planned(jobs_lost=True, pages=(Page(subject="jobs of .* are ended"),)),
        must="no submit is refused; what still runs in that AZ is named in a message, then ended, and its clients are "
        "told by 410",
        notices=ASKED,
        struck=(MOVED,),
    ),
)
