"""The operator: ``LivyOperator`` that knows of failovers."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.exceptions import AirflowException, AirflowFailException, AirflowTaskTimeout
from airflow.providers.apache.livy.operators.livy import LivyOperator
from airflow.providers.common.compat.openlineage.utils.spark import (
    inject_parent_job_information_into_spark_properties,
    inject_transport_information_into_spark_properties,
)

from emr_dr_airflow.compat import TRIGGER_FAILED, left_keys
from emr_dr_airflow.decisions import telemetry
from emr_dr_airflow.decisions.batches import Batch
from emr_dr_airflow.decisions.course import Course, outcome_from_dict
from emr_dr_airflow.decisions.ending import end_by_name, end_job
from emr_dr_airflow.decisions.names import MOST_RESUBMISSIONS, TaskTry, batch_name, traceable
from emr_dr_airflow.decisions.retrying import Adopted, Blocked, first_try, settle_earlier
from emr_dr_airflow.decisions.submitting import NotSubmitted, submit
from emr_dr_airflow.decisions.telemetry import Report, Result
from emr_dr_airflow.decisions.watching import Ended, Lost, Outcome, TimedOut, watch
from emr_dr_airflow.decisions.wire import Limits
from emr_dr_airflow.hooks import EmrLivyHook, Killed
from emr_dr_airflow.links import HISTORY_LINK, SparkHistoryLink, history_link
from emr_dr_airflow.reporting import publish
from emr_dr_airflow.triggers import EmrLivyTrigger

if TYPE_CHECKING:
    from airflow.utils.context import Context

# How much later than the trigger Airflow itself ends a deferred task whose time is up: the trigger's word comes first,
# as it lets the worker end the batch.
_GRACE = timedelta(minutes=2)
# What a task that is being killed may spend on a call: Airflow 3 kills it for good within seconds.
_KILL_TIMEOUT = (3.0, 8.0)
_KILL_LIMITS = Limits(again_seconds=0.5, longest_again_seconds=1.0)

_REMEMBERED = "emr_dr_course"
# The beginning of an XCom's key: it goes on with a batch's id.
_OWN_BATCH = "emr_dr_batch_"


class EmrLivyOperator(LivyOperator):
    """Runs a batch through emr-dr's front door and says how it ended, whatever happens to the clusters behind it.

    Takes every argument of ``LivyOperator``; two of them mean something else:

    * ``name`` is a name for people (Spark property ``spark.emr_dr.name``), since the batch's own name is what makes a
      submit safe to repeat;
    * ``retry_args`` has no effect: every call is repeated where that is safe.

    Args:
        resubmissions: how many times a job is run again that went down with its cluster (the front door answers 410),
            from 0 to 9.  Each retry of the task counts anew.
        outage_limit: how long the front door, or the cluster that has the job, may fail to answer before the task
            gives up.  A failover that launches a cluster takes about ten minutes, at the worst less than an hour.
        pipeline: what metrics are counted under; the DAG if not given.
        spark_history_url: pattern of the link in the task view, with ``{application_id}`` in it; else that of the
            connection's extra, else YARN's page.  Templated.
        polling_interval: seconds between two polls.  0 means what it means for the stock operator: the task is green
            once the job is submitted.
    """

    template_fields: Sequence[str] = (*LivyOperator.template_fields, "spark_history_url")
    operator_extra_links = (SparkHistoryLink(),)

    def __init__(
        self,
        *,
        resubmissions: int = 1,
        outage_limit: timedelta = timedelta(hours=1),
        pipeline: str | None = None,
        spark_history_url: str | None = None,
        polling_interval: int = 10,
        **kwargs: Any,
    ) -> None:
        super().__init__(polling_interval=polling_interval, **kwargs)
        if not 0 <= resubmissions <= MOST_RESUBMISSIONS:
            raise ValueError(f"resubmissions must be from 0 to {MOST_RESUBMISSIONS}, got {resubmissions}")
        self.resubmissions = resubmissions
        self.outage_limit = outage_limit
        self.pipeline = pipeline
        self.spark_history_url = spark_history_url
        self._course: Course | None = None
        self._name = ""
        self._killed = False
        self._reported = False

    @cached_property
    def hook(self) -> EmrLivyHook:
        """The hook."""
        return self._make_hook(self._extra_options)

    def execute(self, context: Context) -> Any:
        """Submit the job and see it through, or defer."""
        return self._begin(context)  # as nobody but Airflow may call execute()

    def execute_complete(self, context: Context, event: dict[str, Any]) -> Any:
        """Go on where the trigger stopped."""
        course = Course.from_dict(event["course"])
        if course.number != context["ti"].try_number:
            self.log.warning("The event is of try %s: it is passed over (apache/airflow#56704)", course.number)
            return self._begin(context)
        self._take_up(course)
        with self._told_of_its_end(context):
            return self._follow(context, course, outcome_from_dict(event["outcome"]))

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Also after the trigger failed or timed out, where the stock operator leaves the batch running."""
        if next_method == TRIGGER_FAILED:
            course = self._remembered(context)
            if course is not None and course.number != context["ti"].try_number:
                self.log.warning("The trigger that failed was of try %s (apache/airflow#56704)", course.number)
                return self._begin(context)
            if course is not None:
                self._take_up(course)
                self.kill()
        return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """End the own batch, and stop."""
        self._killed = True
        self.kill()

    def kill(self) -> None:
        """End the own batch: only what has its id and its name.  Errors are logged."""
        hook = self._make_hook({**self._extra_options, "timeout": _KILL_TIMEOUT})
        try:
            if self._course is not None:
                ending = hook.carry_out(end_job(self._course.batch, self._course.name, _KILL_LIMITS))
                self.log.info("Batch %s (%s): %s", self._course.batch, self._course.name, ending)
            elif self._name:
                self.log.info("Batch %s: %s", self._name, hook.carry_out(end_by_name(self._name, _KILL_LIMITS)))
        except Exception:
            self.log.exception("Cannot end the batch %s", self._name)

    def _begin(self, context: Context) -> Any:
        """A try from its beginning."""
        self._course, self._reported = None, False
        self._inject_lineage(context)
        with self._told_of_its_end(context):
            earlier = self._settle_earlier(context)
            if isinstance(earlier, Blocked):
                self._fail(context, Result.UNKNOWN, earlier.reason, retried=not earlier.over)
            if isinstance(earlier, Adopted):
                return self._adopt(context, earlier)
            return self._follow(context, self._submit(context, None), None)

    def _settle_earlier(self, context: Context) -> Adopted | Blocked | None:
        """What became of earlier tries, none of which runs any more; ``None`` if the job is to be run."""
        task, ti = self._task(context), context["ti"]
        first = first_try(task.number, max_tries=getattr(ti, "max_tries", None), retries=self.retries or 0)
        # Airflow deletes what a task left with its DAG run, so that what was left is of this one.
        left = {key for key in left_keys(ti) if key.startswith(_OWN_BATCH)}
        for key in left:
            ti.xcom_push(key=key, value="")  # also for the try after this one

        def certain(batch: Batch) -> bool:
            if task.run_key or f"{_OWN_BATCH}{batch.id}" in left:
                return True
            course = self._remembered(context)
            return course is not None and course.batch == batch.id

        return self.hook.carry_out(settle_earlier(task, first, self._limits(), certain=certain), stop=self._stopped)

    def _adopt(self, context: Context, earlier: Adopted) -> Any:
        """The job has been done: by an earlier try, whose worker did not live to say so."""
        batch, now = earlier.batch, time.time()
        course = Course(
            number=self._task(context).number, name=batch.name, batch=batch.id, begun_at=now, submitted_at=now
        ).seen(batch)
        self._take_up(course)
        self._leave(context, course)
        context["ti"].xcom_push(key="adopted_try", value=earlier.number)
        self._report(context, Result.SUCCEEDED, reason=f"try {earlier.number} had done it")
        return course.batch

    @contextmanager
    def _told_of_its_end(self, context: Context) -> Iterator[None]:
        """Report a job whose task is ended from outside, too."""
        try:
            yield
        except Killed as error:
            self._report(context, Result.KILLED, reason=str(error))
            raise
        except AirflowTaskTimeout:
            self._report(context, Result.TIMED_OUT, reason="the task's time is up")
            raise
        except Exception as error:
            # A certificate that is not trusted, a connection that is none: no verdict on a job that may run on.
            if not self._reported:
                self._report(context, Result.UNKNOWN, reason=f"{error}. The job, if it was submitted, may still run")
            raise

    def _submit(self, context: Context, lost: Course | None) -> Course:
        """Make a batch: the first of this try, or the one after one that was lost."""
        task = self._task(context)
        resubmission = 0 if lost is None else lost.resubmissions + 1
        self._course, self._name = None, batch_name(task, resubmission)
        submission = self.hook.carry_out(
            submit(self._name, self._body(task, self._name), self._limits()), stop=self._stopped
        )
        if isinstance(submission, NotSubmitted):
            result = Result.REFUSED if submission.refused else Result.UNKNOWN
            if lost is not None:
                self._course = lost
            self._fail(context, result, submission.reason, retried=not submission.over)
        publish(telemetry.of_submission(resubmission=resubmission), pipeline=self._pipeline(context))
        begun_at = submission.at if lost is None else lost.begun_at
        course = Course(
            number=task.number,
            name=self._name,
            batch=submission.batch.id,
            begun_at=begun_at,
            submitted_at=submission.at,
            resubmissions=resubmission,
            deadline=begun_at + self.execution_timeout.total_seconds() if self.execution_timeout else None,
        ).seen(submission.batch)
        self._take_up(course)
        self._leave(context, course)
        self.log.info("Batch %s (%s) submitted", course.batch, course.name)
        return course

    def _follow(self, context: Context, course: Course, outcome: Outcome | None) -> Any:
        """See *course* through; *outcome* is what a trigger told already."""
        while True:
            if outcome is None:
                if self._polling_interval <= 0:
                    return course.batch
                if self.deferrable:
                    self._defer(course)
                outcome = self.hook.carry_out(watch(course.batch, course.name, self._limits()), stop=self._stopped)
            course = course.after(outcome)
            self._take_up(course)
            if not isinstance(outcome, Lost):
                return self._conclude(context, course, outcome)
            publish(telemetry.of_loss(), pipeline=self._pipeline(context))
            if course.resubmissions >= self.resubmissions:
                self._fail(
                    context,
                    Result.LOST,
                    f"batch {course.batch} ({course.name}) went down with its cluster and was run again "
                    f"{course.resubmissions} times before",
                    at=outcome.at,
                )
            self.log.warning("Batch %s (%s) went down with its cluster: run again", course.batch, course.name)
            course, outcome = self._submit(context, course), None

    def _conclude(self, context: Context, course: Course, outcome: Outcome) -> Any:
        if isinstance(outcome, Ended):
            self._leave(context, course)
            self._show_log(course)
            queued = max(0.0, outcome.running_at - course.submitted_at)
            if outcome.batch.state == "success":
                self._report(context, Result.SUCCEEDED, at=outcome.at, queue_seconds=queued)
                return course.batch
            self._fail(
                context,
                Result.FAILED,
                f"batch {course.batch} ({course.name}, {course.application or 'no application'}) is "
                f"{outcome.batch.state}",
                at=outcome.at,
                queue_seconds=queued,
            )
        if isinstance(outcome, TimedOut):
            self.kill()
            self._fail(context, Result.TIMED_OUT, f"batch {course.batch} ({course.name}) timed out", at=outcome.at)
        assert not isinstance(outcome, Lost)
        self._fail(context, Result.UNKNOWN, outcome.reason, at=outcome.at, retried=not outcome.over)

    def _defer(self, course: Course) -> NoReturn:
        kind = self._livy_conn_auth_type
        self.defer(
            trigger=EmrLivyTrigger(
                course=course.to_dict(),
                limits=asdict(self._limits()),
                livy_conn_id=self._livy_conn_id,
                extra_options=self._extra_options,
                extra_headers=self._extra_headers,
                endpoint_prefix=self._livy_endpoint_prefix,
                auth_type=f"{kind.__module__}:{kind.__qualname__}" if kind else "",
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout + _GRACE if self.execution_timeout else None,
        )
        raise AssertionError("defer() raises")

    def _take_up(self, course: Course) -> None:
        self._course, self._name, self._batch_id = course, course.name, course.batch

    def _leave(self, context: Context, course: Course) -> None:
        """What others may want to know, as XComs."""
        ti = context["ti"]
        link = history_link(
            self.spark_history_url or self.hook.history_url(),
            application=course.application,
            tracking_url=course.tracking_url,
        )
        for key, value in (
            ("batch_id", course.batch),
            ("batch_name", course.name),
            ("app_id", course.application),
            ("resubmissions", course.resubmissions),
            (HISTORY_LINK, link),
            (f"{_OWN_BATCH}{course.batch}", course.name),
            (_REMEMBERED, course.to_dict()),
        ):
            ti.xcom_push(key=key, value=value)

    def _remembered(self, context: Context) -> Course | None:
        """What this task, or an earlier try of it, left last."""
        ti = context["ti"]
        found = ti.xcom_pull(task_ids=self.task_id, key=_REMEMBERED, map_indexes=ti.map_index)
        return Course.from_dict(found) if isinstance(found, Mapping) else None

    def _show_log(self, course: Course) -> None:
        try:
            self.hook.dump_batch_logs(course.batch)
        except Exception as error:  # noqa: BLE001 - the job's end does not depend on its log
            self.log.warning("Cannot show the log of batch %s: %s", course.batch, error)

    def _inject_lineage(self, context: Context) -> None:
        """As the stock operator does."""
        conf: Any = self.spark_params["conf"]
        if self.openlineage_inject_parent_job_info:
            conf = inject_parent_job_information_into_spark_properties(conf, context)
        if self.openlineage_inject_transport_info:
            conf = inject_transport_information_into_spark_properties(conf, context)
        self.spark_params["conf"] = conf

    def _body(self, task: TaskTry, name: str) -> dict[str, Any]:
        params = dict(self.spark_params)
        label, conf = params.pop("name"), params.pop("conf")
        traced = traceable(conf or {}, task, name=name, label=str(label or ""))
        body: dict[str, Any] = self.hook.build_post_batch_body(**params, name=name, conf=traced)
        return body

    def _task(self, context: Context) -> TaskTry:
        ti: Any = context["ti"]
        row = getattr(context.get("dag_run"), "id", None)
        return TaskTry(
            dag_id=ti.dag_id,
            run_id=ti.run_id,
            run_key="" if row is None else str(row),
            task_id=ti.task_id,
            map_index=-1 if ti.map_index is None else ti.map_index,
            number=max(1, ti.try_number),
        )

    def _limits(self) -> Limits:
        return replace(
            Limits(),
            polling_seconds=float(max(self._polling_interval, 1)),
            outage_seconds=self.outage_limit.total_seconds(),
        )

    def _pipeline(self, context: Context) -> str:
        return telemetry.pipeline_of(self.pipeline or context["ti"].dag_id)

    def _stopped(self) -> bool:
        return self._killed

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
        queue_seconds: float | None = None,
        retried: bool = True,
    ) -> NoReturn:
        self._report(context, result, at=at, queue_seconds=queue_seconds, reason=reason)
        # Whether Airflow may run the job again by itself, if the task has retries.
        raise (AirflowException if retried else AirflowFailException)(reason)

    def _report(
        self,
        context: Context,
        result: Result,
        *,
        at: float | None = None,
        queue_seconds: float | None = None,
        reason: str = "",
    ) -> None:
        task, course = self._task(context), self._course
        self._reported = True
        report = Report(
            result=result,
            pipeline=self._pipeline(context),
            dag_id=task.dag_id,
            run_id=task.run_id,
            task_id=task.task_id,
            map_index=task.map_index,
            try_number=task.number,
            batch_name=course.name if course else self._name,
            batch_id=course.batch if course else None,
            application_id=course.application if course else "",
            resubmissions=course.resubmissions if course else 0,
            duration_seconds=round(max(0.0, at - course.begun_at), 3) if course and at is not None else None,
            queue_seconds=None if queue_seconds is None else round(queue_seconds, 3),
            reason=reason,
        )
        publish(telemetry.of_end(report), pipeline=report.pipeline)
        self.log.info("%s", telemetry.to_line(report))
