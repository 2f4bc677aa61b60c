"""Troubles of launches: no machines, machines that never come or cannot be set up, steps and canaries that fail."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from emr_drill.ports import Primary, StepResult
from emr_drill.stand_in.emr_fleets import ON_DEMAND, SPOT
from emr_drill.stand_in.emr_records import Cluster, Reason, Step

if TYPE_CHECKING:
    from emr_drill.stand_in.emr_life import ClusterLife

# Which code EMR gives when an AZ has no machines left is a guess (docs/assumptions.md); the code of the details is
# documented in EMR's management guide, page INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ.
NO_CAPACITY_CODE, NO_CAPACITY_DETAIL = "INTERNAL_ERROR", "INTERNAL_ERROR_EC2_INSUFFICIENT_CAPACITY_AZ"
NO_CAPACITY = "The selected Availability Zone {} does not have enough capacity for the request."
# By these parts of their names steps are known.
SEED_STEP, CANARY_STEP = "seed-livy", "install-canary"
EVER = 2**31
MARKETS = (ON_DEMAND, SPOT)
# What a Livy whose state is lost starts from: files that it cannot read, which it takes for 0.
GARBLE = b"""set -euo pipefail
sudo systemctl stop livy-server
for kind in batch interactive; do
  sudo mkdir -p "$2/v1/$kind"
  printf 'garbled' | sudo tee "$2/v1/$kind/state" >/dev/null
done
sudo chmod -R u=rwX,go= "$2"
sudo systemctl restart livy-server
echo "seed-livy.sh: Livy numbers from $1 on"
"""
# A canary that ends as failed, for real Spark and for simulated nodes, which know it by this text.
BROKEN_CANARY = "raise SystemExit(1)  # broken by the drill\n"
BREAK_CANARY = f"printf '%s\\n' '{BROKEN_CANARY.strip()}' | hdfs dfs -put -f - \"$1\"\n".encode()


class LaunchFaults(ABC):
    """Faults of launches and of steps.  Thread-safe."""

    def __init__(self) -> None:
        self.__lock = threading.Lock()
        self.__without_capacity: dict[str, str] = {}
        self.__used_up: set[tuple[str, str, str]] = set()
        self.__stuck: set[str] = set()
        self.__bootstrap_fails: set[str] = set()
        self.__broken_releases: set[str] = set()
        self.__failing_steps: dict[str, int] = {}
        self.__bad_seeds = 0
        self.__bad_canaries = 0
        self.__with_bad_canary: set[str] = set()

    @abstractmethod
    def lives(self) -> list[ClusterLife]:
        """The life of every cluster."""

    @abstractmethod
    def is_lost(self, availability_zone: str) -> bool:
        """Whether nobody reaches that AZ at the moment."""

    # What the drill does.

    def fail_capacity(self, availability_zone: str, *, message: str | None = None) -> None:
        """Let launches in an AZ fail from now on, for want of machines."""
        with self.__lock:
            self.__without_capacity[availability_zone] = message or NO_CAPACITY.format(availability_zone)

    def restore_capacity(self, availability_zone: str) -> None:
        """Let launches in an AZ succeed again."""
        with self.__lock:
            self.__without_capacity.pop(availability_zone, None)

    def use_up(self, availability_zone: str, instance_type: str, *, markets: Sequence[str] = MARKETS) -> None:
        """Let EC2 have no machine of a type in an AZ from now on, which concerns instance fleets alone."""
        with self.__lock:
            self.__used_up |= {(availability_zone, instance_type, market) for market in markets}

    def give_back(self, availability_zone: str, instance_type: str) -> None:
        """Let EC2 have machines of that type in that AZ again; launches that wait for them go on."""
        with self.__lock:
            self.__used_up -= {(availability_zone, instance_type, market) for market in MARKETS}
        for life in self.lives():
            life.look_again()

    def stick_in_starting(self, availability_zone: str) -> None:
        """Let launches in an AZ stay STARTING, without machines and without an error."""
        with self.__lock:
            self.__stuck.add(availability_zone)

    def unstick(self, availability_zone: str) -> None:
        """Let launches in an AZ go on, those too that hang."""
        with self.__lock:
            self.__stuck.discard(availability_zone)
        for life in self.lives():
            life.look_again()

    def fail_bootstrap(self, availability_zone: str) -> None:
        """Let launches in an AZ fail from now on when their machines are set up."""
        with self.__lock:
            self.__bootstrap_fails.add(availability_zone)

    def restore_bootstrap(self, availability_zone: str) -> None:
        """Let machines in an AZ be set up again."""
        with self.__lock:
            self.__bootstrap_fails.discard(availability_zone)

    def break_release(self, label: str) -> None:
        """Let machines of a release fail from now on when they are set up, wherever they are."""
        with self.__lock:
            self.__broken_releases.add(label)

    def fail_step(self, name: str, times: int = 1) -> None:
        """Let the next *times* steps whose name contains *name* end with exit code 1, and do nothing; 0 ends it."""
        with self.__lock:
            self.__failing_steps[name] = times

    def bad_seed(self, times: int = 1) -> None:
        """Let the next *times* seed steps say success although the state files are garbled, so that Livy starts at 0;
        0 ends it."""
        with self.__lock:
            self.__bad_seeds = times

    def fail_canary(self, times: int | None = None) -> None:
        """Let canary jobs end as failed on the next *times* clusters that are launched (None: on all; 0 ends it)."""
        with self.__lock:
            self.__bad_canaries = EVER if times is None else times

    # What the life of a cluster asks.

    def launched(self, cluster: Cluster) -> None:
        """RunJobFlow was called for *cluster*."""
        with self.__lock:
            if self.__bad_canaries > 0:
                self.__bad_canaries -= 1
                self.__with_bad_canary.add(cluster.id)

    def stuck(self, cluster: Cluster) -> bool:
        """Whether *cluster* gets no machines and no error either."""
        with self.__lock:
            return cluster.availability_zone in self.__stuck

    def available(self, cluster: Cluster, instance_type: str, market: str) -> bool:
        """Whether EC2 has another machine of a type for *cluster*."""
        with self.__lock:
            return (cluster.availability_zone, instance_type, market) not in self.__used_up

    def capacity_failure(self, cluster: Cluster) -> Reason | None:
        """Why there are no machines for *cluster*."""
        with self.__lock:
            message = self.__without_capacity.get(cluster.availability_zone)
        if message is None and self.is_lost(cluster.availability_zone):
            message = NO_CAPACITY.format(cluster.availability_zone)
        if message is None:
            return None
        data = {"instance-type": cluster.primary_type, "availability-zone": cluster.availability_zone}
        detail = {"ErrorCode": NO_CAPACITY_DETAIL, "ErrorData": [data], "ErrorMessage": message}
        return Reason(code=NO_CAPACITY_CODE, message=message, details=(detail,))

    def bootstrap_failure(self, cluster: Cluster) -> Reason | None:
        """Why the machines of *cluster* cannot be set up."""
        with self.__lock:
            fails = (
                cluster.availability_zone in self.__bootstrap_fails
                or cluster.request.get("ReleaseLabel") in self.__broken_releases
            )
        text = "On the master instance, bootstrap action 1 returned a non-zero return code"
        return Reason(code="BOOTSTRAP_FAILURE", message=text) if fails else None

    def with_step_faults(
        self, cluster: Cluster, primary: Primary, step: Step, *, run: Callable[[], StepResult]
    ) -> StepResult:
        """Run a step, or what a fault makes of it."""
        if self._fails(step):
            return StepResult(exit_code=1, output=f"{step.name}: failed by the drill, nothing was done\n")
        if SEED_STEP in step.name and self._seeds_badly():
            return primary.run_script(GARBLE, step.arguments[1:])
        result = run()
        with self.__lock:
            broken = cluster.id in self.__with_bad_canary
        if broken and CANARY_STEP in step.name and result.exit_code == 0:
            primary.run_script(BREAK_CANARY, step.arguments[1:])
        return result

    def _fails(self, step: Step) -> bool:
        """Use up one failure, if there is one for *step*."""
        with self.__lock:
            name = next((name for name, left in self.__failing_steps.items() if left > 0 and name in step.name), None)
            if name is not None:
                self.__failing_steps[name] -= 1
        return name is not None

    def _seeds_badly(self) -> bool:
        """Use up one bad seed, if there is one."""
        with self.__lock:
            self.__bad_seeds -= (bad := self.__bad_seeds > 0)
        return bad
