"""What a worker knows of the job of its task: how to end it, and how to tell of its end."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.exceptions import AirflowException
from airflow.providers.apache.livy.operators.livy import LivyOperator

from emr_dr_airflow.compat import exception
from emr_dr_airflow.decisions import telemetry
from emr_dr_airflow.decisions.course import Course
from emr_dr_airflow.decisions.ending import Ending, doubt, end_by_name, end_job
from emr_dr_airflow.decisions.names import TaskTry, task_try
from emr_dr_airflow.decisions.telemetry import Result
from emr_dr_airflow.decisions.wire import Limits
from emr_dr_airflow.hooks import EmrLivyHook, Killed
from emr_dr_airflow.reporting import tell

if TYPE_CHECKING:
    from airflow.utils.context import Context

_FailException = exception("AirflowFailException")
_TaskTerminated = exception("AirflowTaskTerminated")
_TaskTimeout = exception("AirflowTaskTimeout")

# What a task that is being killed may spend on a call: Airflow 3 kills it for good within seconds.
_KILL_TIMEOUT = (3.0, 8.0)
_KILL_LIMITS = Limits(again_seconds=0.5, longest_again_seconds=1.0)


class OwnJobOperator(LivyOperator):
    """``LivyOperator`` that ends no job but its own, and tells of each end once."""

    pipeline: str | None = None
    _course: Course | None = None
    _name = ""
    # The name of the batch that was ended last.
    _ended = ""
    _reported = False

    @cached_property
    def hook(self) -> EmrLivyHook:
        """The hook."""
        return self._make_hook(self._extra_options)

    def kill(self) -> Ending | None:
        """End the own batch: only what has its id and its name.  Errors are logged.

        Returns:
            what became of it; ``None`` if there is none.
        """
        if not self._name:
            return None
        if self._ended == self._name:
            return Ending.ENDED
        course, ending = self._course, Ending.UNANSWERED
        try:
            hook = self._make_hook({**self._extra_options, "timeout": _KILL_TIMEOUT}).like(self.hook)
            by_name = end_by_name(self._name, _KILL_LIMITS)
            ending = hook.carry_out(by_name if course is None else end_job(course.batch, course.name, _KILL_LIMITS))
            self.log.info("Batch %s (%s): %s", "of no id" if course is None else course.batch, self._name, ending)
        except Exception:
            self.log.exception("Cannot end the batch %s", self._name)
        if ending in (Ending.ENDED, Ending.OVER):
            self._ended = self._name
        return ending

    def _take_up(self, course: Course) -> None:
        self._course, self._name, self._batch_id = course, course.name, course.batch

    @contextmanager
    def _told_of_its_end(self, context: Context) -> Iterator[None]:
        """Report a job whose task is ended from outside, too."""
        try:
            yield
        except Killed as error:
            # Once more: a submit that was under way when the task was killed may have been answered since.
            self._report(context, Result.KILLED, reason=f"{error}{doubt(self.kill())}")
            raise
        except _TaskTimeout:
            self._report(context, Result.TIMED_OUT, reason=f"the task's time is up{doubt(self.kill())}")
            raise
        except _TaskTerminated:  # by Airflow 2, after it called on_kill()
            self._report(context, Result.KILLED, reason=f"the task is being killed{doubt(self.kill())}")
            raise
        except Exception as error:
            # A certificate that is not trusted, a connection that is none: no verdict on a job that may run on.
            self._report(context, Result.UNKNOWN, reason=f"{error}. The job, if it was submitted, may still run")
            raise

    def _task(self, context: Context) -> TaskTry:
        ti: Any = context["ti"]
        row = getattr(context.get("dag_run"), "id", None)
        return task_try(ti, number=max(1, ti.try_number), run_key="" if row is None else str(row))

    def _pipeline(self, context: Context) -> str:
        return telemetry.pipeline_of(self.pipeline or context["ti"].dag_id)

    def _make_hook(self, options: Mapping[str, Any]) -> EmrLivyHook:
        return EmrLivyHook(
            livy_conn_id=self._livy_conn_id,
            extra_headers=self._extra_headers,
            extra_options=dict(options),
            auth_type=self._livy_conn_auth_type,
            endpoint_prefix=self._livy_endpoint_prefix,
        )

    def _fail(
        self,
        context: Context,
        result: Result,
        reason: str,
        *,
        at: float | None = None,
        running_at: float | None = None,
        retried: bool = True,
    ) -> NoReturn:
        self._report(context, result, at=at, running_at=running_at, reason=reason)
        # Whether Airflow may run the job again by itself, if the task has retries.
        raise (AirflowException if retried else _FailException)(reason)

    def _report(
        self,
        context: Context,
        result: Result,
        *,
        at: float | None = None,
        running_at: float | None = None,
        reason: str = "",
    ) -> None:
        """Tell of the end of the job, unless that was done already."""
        if self._reported:
            return
        self._reported = True
        report = telemetry.report_of(
            result,
            self._course,
            self._task(context),
            pipeline=self._pipeline(context),
            name=self._name,
            at=at,
            running_at=running_at,
            reason=reason,
        )
        tell(report, self.log)
