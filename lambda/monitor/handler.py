"""Entry point of the monitor: rounds for a minute or so each time its schedule starts it.

Clock and sleep are read through the module ``time`` at each call, so that whoever runs the function may set them.
"""

from __future__ import annotations

import functools
import os
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from aws_lambda_powertools import Logger

from dr_core.config import ENVIRONMENT_VARIABLE, FunctionConfig
from dr_core.rounds import Run, is_overtime, next_round
from monitor.cloud import Cloud
from monitor.reporting import Report
from monitor.store import Store
from monitor.watch import Watch

# The target groups of one managed cluster at once, and a write beside them.
_THREADS = 8
# The name of its runs, beside those of the probers.
_FUNCTION = "monitor"

logger = Logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Monitor:
    """The monitor of one deployment."""

    watch: Watch

    def rounds(self) -> None:
        """Make rounds until a younger run has begun; an error costs one round, not those after it."""
        run, started = self._begin(), time.monotonic()
        due: float | None = started
        while due is not None:
            time.sleep(max(0.0, due - time.monotonic()))
            if is_overtime(started, due) and self._is_relieved(run):
                return
            in_doubt = self.round()
            due = next_round(
                started, time.monotonic(), round_seconds=self.watch.config.policy.round_seconds, in_doubt=in_doubt
            )

    def _begin(self) -> Run:
        """Tell an older run that this one has begun; if that fails, the older one goes on beside it for a while."""
        run = Run(function=_FUNCTION, began_at=time.time())
        try:
            self.watch.store.announce(run)
        except Exception:
            logger.exception("that this run has begun could not be written down")
        return run

    def _is_relieved(self, run: Run) -> bool:
        """Whether a younger run has begun; who cannot tell goes on, as a round too many does no harm."""
        try:
            return run.relieved_by(self.watch.store.newest_run(run.function))
        except Exception:
            logger.exception("whether a younger run has begun could not be read")
            return False

    def round(self) -> bool:
        """Make one round; the heartbeat beats only if every managed cluster was judged and answered.

        Returns:
            whether a verdict is in doubt: the next round comes sooner then, as the probers' next looks may decide it.
        """
        try:
            made = self.watch.round()
        except Exception:
            logger.exception("nothing was judged in this round")
            return False
        if made.complete:
            self.watch.report.heartbeat()
        return made.in_doubt


def handler(_event: object, _context: object) -> None:
    """Make rounds for a minute or so."""
    _monitor().rounds()


@functools.cache
def _monitor() -> Monitor:
    """Made once for each process: a later start of the function finds it ready."""
    # Imported here and not above: the SDK takes longer to import than everything else together.
    import boto3
    from botocore.config import Config

    config = FunctionConfig.from_json(os.environ[ENVIRONMENT_VARIABLE])
    # Short limits: a round that waits for an answer has nothing to say in time.
    limits = Config(connect_timeout=2, read_timeout=5, retries={"total_max_attempts": 2, "mode": "standard"})
    return Monitor(
        watch=Watch(
            config=config,
            store=Store(
                dynamodb=boto3.resource("dynamodb", config=limits),
                record_table=config.record_table,
                evidence_table=config.evidence_table,
                round_seconds=config.policy.round_seconds,
            ),
            cloud=Cloud(
                load_balancing=boto3.client("elbv2", config=limits),
                emr=boto3.client("emr", config=limits),
                step_functions=boto3.client("stepfunctions", config=limits),
            ),
            pool=ThreadPoolExecutor(max_workers=_THREADS, thread_name_prefix="ask"),
            report=Report(deployment=config.deployment, logger=logger),
        )
    )
