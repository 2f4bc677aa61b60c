"""What happens while stock clients run jobs: the cases of their benchmark.

A case is data.  One whose row of the fault table, or whose strategy, is not there yet is left out and said to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from emr_drill import strategies
from emr_drill.clients.kinds import KINDS, Kind, Program
from emr_drill.clients.plan import ClientPlan
from emr_drill.faults.table import FAULTS

# The load balancer's changes, EMR's launches and the controller run on the drill's clock; clients, Spark and sockets on
# the machine's.  At this speed a launch takes two minutes, and the canary of a real cluster is in time.
SPEED = 4.0
CURL: tuple[Kind, ...] = tuple(kind for kind in KINDS if kind.program is Program.CURL)
EVERYBODY = ClientPlan(kinds=KINDS)
KILLERS = ClientPlan(kinds=KINDS, long=18, short=6, during=0, after=6, killed=1)
CONTROL = "plain"
PRODUCT = "product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One case.

    Attributes:
        name: for reports and the command line.
        what: what happens, for people.
        system: the product, or the control (plain TCP balancing).
        fault: row of the fault table.
        strategy: what is deployed.
        services: ``real`` or ``simulated``.
        plan: jobs, and who runs them.
        speed: of the drill's clock.
    """

    name: str
    what: str
    system: str = PRODUCT
    fault: str = "none"
    strategy: str = "active-active"
    services: str = "real"
    plan: ClientPlan = field(default_factory=lambda: EVERYBODY)
    speed: float = SPEED

    @property
    def missing(self) -> str:
        """What this case cannot be run without, and is not there; empty if it can be run."""
        if self.strategy not in strategies.STRATEGIES:
            return f"strategy {self.strategy}"
        return "" if self.fault in FAULTS else f"row {self.fault} of the fault table"


_POLLED = ClientPlan(kinds=CURL, long=8, short=6, during=4, after=4, pollers=6)


def _polls(name: str, fault: str, what: str) -> Case:
    return Case(name=f"polls-{name}", what=what, fault=fault, services="simulated", plan=_POLLED)


_ALL: tuple[Case, ...] = (
    Case(name="both-busy", what="both clusters run jobs that end differently; nothing is broken"),
    Case(name="kill", what="as many jobs as not are killed by their own clients", plan=KILLERS),
    Case(name="cluster-dies", what="one of the two clusters dies while jobs run on it", fault="kill-primary"),
    Case(
        name="isolated",
        what="the ResourceManager of one fails: it is taken out, then replaced, while jobs run on it",
        fault="stop-resourcemanager",
    ),
    Case(name="switchover", what="a person moves one of them to another AZ while jobs run", fault="switchover"),
    Case(name="livy-restarted", what="the Livy of one is restarted while jobs run", fault="restart-livy"),
    Case(name="upgrade", what="both are upgraded by a deploy while jobs run", fault="upgrade"),
    Case(
        name="standby",
        what="active-passive with a warm standby: the cluster dies, the standby takes over",
        strategy="active-passive-warm",
        fault="kill-primary",
    ),
    Case(
        name="control",
        what="plain TCP balancing over two Livys that number from 0; nothing is broken",
        system=CONTROL,
    ),
    Case(
        name="control-kill",
        what="plain TCP balancing, as many jobs as not are killed by their own clients",
        system=CONTROL,
        plan=KILLERS,
    ),
    _polls("cluster-dies", "kill-primary", "thousands of polls by id while a cluster dies and is replaced"),
    _polls("isolated", "stop-resourcemanager", "thousands of polls by id while a sick cluster is isolated"),
    _polls("switchover", "switchover", "thousands of polls by id while one moves to another AZ"),
)
CASES: Mapping[str, Case] = {case.name: case for case in _ALL}
