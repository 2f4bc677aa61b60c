"""The trigger: follows a batch in the triggerer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from importlib import import_module
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from emr_dr_airflow.asynchronous import AsyncDoor, undisturbed
from emr_dr_airflow.compat import TaskGone, task_state
from emr_dr_airflow.decisions.batches import Batch
from emr_dr_airflow.decisions.course import Course, outcome_to_dict
from emr_dr_airflow.decisions.ending import doubt, end_job, was_taken_away
from emr_dr_airflow.decisions.names import task_try
from emr_dr_airflow.decisions.telemetry import Result, pipeline_of, report_of
from emr_dr_airflow.decisions.watching import Unknown, watch
from emr_dr_airflow.decisions.wire import Limits
from emr_dr_airflow.hooks import EmrLivyHook
from emr_dr_airflow.reporting import tell

# To find out why it was cancelled, and to end the batch; a triggerer that stops waits for its triggers.
_CANCEL_SECONDS = 20.0


class EmrLivyTrigger(BaseTrigger):
    """Follows one batch and fires once, when it has ended, is lost, or nobody can tell.

    It only asks: what is done about it (submitting again, ending a batch whose time is up) the worker does.

    Args:
        course: of the job, as :meth:`~emr_dr_airflow.decisions.course.Course.to_dict` gives it.
        limits: fields of :class:`~emr_dr_airflow.decisions.wire.Limits`.
        livy_conn_id: the connection.
        extra_options: for the hook.
        extra_headers: for the hook.
        endpoint_prefix: for the hook.
        auth_type: class of a kind of log-in, as ``module:name``; empty for what the connection implies.
        pipeline: what the job is counted under, if it is the trigger that ends it.
    """

    def __init__(
        self,
        course: Mapping[str, Any],
        limits: Mapping[str, float],
        livy_conn_id: str = "livy_default",
        extra_options: Mapping[str, Any] | None = None,
        extra_headers: Mapping[str, Any] | None = None,
        endpoint_prefix: str | None = None,
        auth_type: str = "",
        pipeline: str = "",
    ) -> None:
        super().__init__()
        self.course = dict(course)
        self.limits = dict(limits)
        self.livy_conn_id = livy_conn_id
        self.extra_options = dict(extra_options or {})
        self.extra_headers = dict(extra_headers or {})
        self.endpoint_prefix = endpoint_prefix
        self.auth_type = auth_type
        self.pipeline = pipeline
        self._over = False
        self._seen: Batch | None = None
        self._hook: EmrLivyHook | None = None

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """For the database."""
        return (
            "emr_dr_airflow.triggers.EmrLivyTrigger",
            {
                "course": self.course,
                "limits": self.limits,
                "livy_conn_id": self.livy_conn_id,
                "extra_options": self.extra_options,
                "extra_headers": self.extra_headers,
                "endpoint_prefix": self.endpoint_prefix,
                "auth_type": self.auth_type,
                "pipeline": self.pipeline,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Follow the batch."""
        course = Course.from_dict(self.course)

        def show(batch: Batch) -> None:
            self._seen = batch

        try:
            outcome = await self._door().carry_out(
                watch(course.batch, course.name, Limits(**self.limits), deadline=course.deadline, show=show)
            )
        except asyncio.CancelledError:
            await undisturbed(self._cancelled())
            raise
        except Exception as error:
            self.log.exception("Cannot follow batch %s", course.batch)
            outcome = Unknown(reason=f"batch {course.batch} could not be followed: {error!r}", at=course.submitted_at)
        self._over = True
        yield TriggerEvent({"course": course.to_dict(), "outcome": outcome_to_dict(outcome)})

    async def on_kill(self) -> None:
        """End the batch if the task was taken away.  Called by Airflow from 3.3 on, after the cancel.

        3.3.1 takes every trigger that is not this triggerer's any more for one that a person took away, also one that
        another triggerer got (``update_triggers`` and ``cancel_triggers`` in ``airflow.jobs.triggerer_job_runner``).
        """
        await undisturbed(self._cancelled())

    async def _cancelled(self) -> None:
        """End the batch if the task was taken away, and leave it alone if the trigger only moves.

        Whatever keeps us from knowing counts as moving: a batch that runs on is found by the next try, if there is one,
        which ends it, and one that was ended by mistake is lost.
        """
        if self._over:
            return
        course = Course.from_dict(self.course)
        try:
            # Not cancelled when it takes too long: an answer that nobody reads is the end of a triggerer of 3.0.6.
            asked = asyncio.ensure_future(task_state(self))
            if not (await asyncio.wait({asked}, timeout=_CANCEL_SECONDS))[0]:
                raise TimeoutError(f"Airflow did not say within {_CANCEL_SECONDS:.0f} s how the task is")
            if isinstance(gone := asked.exception(), TaskGone):
                self.log.warning("%s: its batch is ended", gone)
            else:
                state, number = asked.result()
                if not was_taken_away(state, number=number, own_number=course.number):
                    self.log.info("The trigger stops, the task is still %s: its batch runs on", state)
                    return
                self.log.warning("The task is %s now: its batch is ended", state)
            async with asyncio.timeout(_CANCEL_SECONDS):
                await self._end()
        except Exception:
            self.log.warning("Cannot tell why the trigger was cancelled: its batch runs on", exc_info=True)

    async def _end(self) -> None:
        course = Course.from_dict(self.course)
        ending = await self._door().carry_out(end_job(course.batch, course.name, Limits(**self.limits)))
        self._over = True
        self.log.info("Batch %s (%s): %s", course.batch, course.name, ending)
        self._report(
            course if self._seen is None else course.seen(self._seen),
            f"the task was taken away while it was deferred{doubt(ending)}",
        )

    def _report(self, course: Course, reason: str) -> None:
        """Tell of the end of the job: there is no worker any more that could."""
        own: Any = self.task_instance
        if own is None:
            return
        whose, pipeline = task_try(own, number=course.number), pipeline_of(self.pipeline or own.dag_id)
        tell(report_of(Result.KILLED, course, whose, pipeline=pipeline, reason=reason), self.log)

    def _door(self) -> AsyncDoor:
        if self._hook is None:
            module, _, name = self.auth_type.partition(":")
            self._hook = EmrLivyHook(
                livy_conn_id=self.livy_conn_id,
                extra_options=self.extra_options,
                extra_headers=self.extra_headers,
                auth_type=getattr(import_module(module), name) if name else None,
                endpoint_prefix=self.endpoint_prefix,
            )
        return AsyncDoor(self._hook, self.log)
