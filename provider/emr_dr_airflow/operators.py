"""The operator: ``LivyOperator`` that knows of failovers."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.providers.common.compat.openlineage.utils.spark import (
    inject_parent_job_information_into_spark_properties,
    inject_transport_information_into_spark_properties,
)

from emr_dr_airflow.compat import TRIGGER_FAILED
from emr_dr_airflow.decisions import telemetry
from emr_dr_airflow.decisions.batches import Batch
from emr_dr_airflow.decisions.course import Course, deadline_of, outcome_from_dict
from emr_dr_airflow.decisions.ending import doubt
from emr_dr_airflow.decisions.names import MOST_RESUBMISSIONS, TaskTry, batch_name, name_after, traceable
from emr_dr_airflow.decisions.retrying import Adopted, Blocked, first_try, settle_earlier
from emr_dr_airflow.decisions.submitting import NotSubmitted, submit
from emr_dr_airflow.decisions.telemetry import Result
from emr_dr_airflow.decisions.watching import Ended, Lost, Outcome, TimedOut, watch
from emr_dr_airflow.decisions.wire import Limits
from emr_dr_airflow.hooks import Killed
from emr_dr_airflow.leaving import OWN_BATCH, leave, own_batches, remembered
from emr_dr_airflow.links import SparkHistoryLink, history_link
from emr_dr_airflow.own_job import OwnJobOperator
from emr_dr_airflow.reporting import publish
from emr_dr_airflow.triggers import EmrLivyTrigger

if TYPE_CHECKING:
    from airflow.utils.context import Context

# How much later than the task's time is up Airflow 3 ends a deferred one itself; Airflow 2 does at that time.  The
# trigger's word comes first in both (see `deadline_of`): it lets the worker say how the job was.
_GRACE = timedelta(minutes=2)


class EmrLivyOperator(OwnJobOperator):
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

    template_fields: Sequence[str] = (*OwnJobOperator.template_fields, "spark_history_url")
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
        self._killed = False
        # Of a task that resumes, until it does.
        self._resumes: Context | None = None

    def pre_execute(self, context: Context) -> None:
        """Take up the job of a task that resumes: if its time is up, Airflow 2 only calls ``on_kill()``."""
        super().pre_execute(context)
        try:
            course = remembered(context["ti"])
        except Exception as error:  # noqa: BLE001 - who goes on finds the job again by itself
            self.log.warning("Cannot tell which job the task had: %s", error)
            return
        if course is not None and course.number == context["ti"].try_number:
            self._take_up(course)
            self._resumes = context

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
        self._resumes = None
        if next_method == TRIGGER_FAILED:
            course = remembered(context["ti"])
            if course is not None and course.number != context["ti"].try_number:
                self.log.warning("The trigger that failed was of try %s (apache/airflow#56704)", course.number)
                return self._begin(context)
            if course is not None:
                self._take_up(course)
                late = telemetry.of_whom_time_ran_out(course, time.time())
                reason = f"the trigger failed: {(next_kwargs or {}).get('error', 'unknown')}{doubt(self.kill())}"
                self._report(context, Result.TIMED_OUT if late else Result.UNKNOWN, reason=reason)
        return super().resume_execution(next_method, next_kwargs, context)

    def on_kill(self) -> None:
        """End the own batch, and stop."""
        self._killed = True
        ending = self.kill()
        if self._resumes is not None and self._course is not None:
            # Nobody is under way who could say so.
            late = telemetry.of_whom_time_ran_out(self._course, time.time())
            reason = f"the task was ended before it could resume{doubt(ending)}"
            self._report(self._resumes, Result.TIMED_OUT if late else Result.KILLED, reason=reason)

    def _begin(self, context: Context) -> Any:
        """A try from its beginning."""
        self._course, self._name, self._resumes, self._reported = None, "", None, False
        self._inject_lineage(context)
        with self._told_of_its_end(context):
            self.hook.check()  # one that is not there is no outage
            earlier = self._settle_earlier(context)
            if isinstance(earlier, Blocked):
                self._fail(context, Result.UNKNOWN, earlier.reason, retried=not earlier.over)
            if isinstance(earlier, Adopted):
                return self._adopt(context, earlier)
            return self._follow(context, self._submit(context, None), None)

    def _settle_earlier(self, context: Context) -> Adopted | Blocked | None:
        """What became of earlier tries, none of which runs any more; ``None`` if the job is to be run."""
        task, ti = self._named_task(context), context["ti"]
        first = first_try(task.number, max_tries=getattr(ti, "max_tries", None), retries=self.retries or 0)
        left = own_batches(ti)

        def certain(batch: Batch) -> bool:
            if task.run_key or f"{OWN_BATCH}{batch.id}" in left:
                return True
            course = remembered(ti)
            return course is not None and course.batch == batch.id

        return self.hook.carry_out(settle_earlier(task, first, self._limits(), certain=certain), stop=self._stopped)

    def _named_task(self, context: Context) -> TaskTry:
        """The try, as the names of its batches have it.

        Raises:
            NoConnection: the connection cannot be read.
        """
        return replace(self._task(context), installation=self.hook.installation())

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

    def _submit(self, context: Context, lost: Course | None) -> Course:
        """Make a batch: the first of this try, or the one after one that was lost."""
        task = self._task(context)
        resubmission = 0 if lost is None else lost.resubmissions + 1
        # After one that was lost no connection has to be read for it.
        name = batch_name(self._named_task(context), 0) if lost is None else name_after(lost.name)
        self._course, self._name = None, name
        submission = self.hook.carry_out(
            submit(self._name, self._body(task, self._name), self._limits()), stop=self._stopped
        )
        if isinstance(submission, NotSubmitted):
            result = Result.REFUSED if submission.refused else Result.UNKNOWN
            if lost is not None:
                self._course = lost
            self._fail(context, result, submission.reason, retried=not submission.over)
        publish(telemetry.of_submission(resubmission=resubmission), pipeline=self._pipeline(context))
        course = Course(
            number=task.number,
            name=self._name,
            batch=submission.batch.id,
            begun_at=submission.at if lost is None else lost.begun_at,
            submitted_at=submission.at,
            resubmissions=resubmission,
            deadline=self._deadline(context) if lost is None else lost.deadline,
        ).seen(submission.batch)
        self._take_up(course)
        self._leave(context, course)
        self.log.info("Batch %s (%s) submitted", course.batch, course.name)
        if self._killed:
            raise Killed("the task is being killed")
        return course

    def _follow(self, context: Context, course: Course, outcome: Outcome | None) -> Any:
        """See *course* through; *outcome* is what a trigger told already."""
        while True:
            if outcome is None:
                if self._polling_interval <= 0:
                    return course.batch
                if self.deferrable:
                    self._defer(context, course)
                outcome = self._watch(context, course)
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
            if telemetry.of_whom_time_ran_out(course, time.time()):
                self._fail(
                    context,
                    Result.LOST,
                    f"batch {course.batch} ({course.name}) went down with its cluster, and the task's time is up",
                    at=outcome.at,
                )
            self.log.warning("Batch %s (%s) went down with its cluster: run again", course.batch, course.name)
            course, outcome = self._submit(context, course), None

    def _watch(self, context: Context, course: Course) -> Outcome:
        """Follow the job from here."""

        def show(batch: Batch) -> None:
            """Lead people to the application while it runs."""
            self._take_up(course.seen(batch))
            try:
                self._leave(context, course.seen(batch))
            except Exception as error:  # noqa: BLE001 - it is left once more at the end
                self.log.warning("Cannot leave the application of batch %s: %s", batch.id, error)

        flow = watch(course.batch, course.name, self._limits(), show=show)
        return self.hook.carry_out(flow, stop=self._stopped)

    def _conclude(self, context: Context, course: Course, outcome: Outcome) -> Any:
        if isinstance(outcome, Ended):
            self._leave(context, course)
            self._show_log(course)
            if outcome.batch.state == "success":
                self._report(context, Result.SUCCEEDED, at=outcome.at, running_at=outcome.running_at)
                return course.batch
            self._fail(
                context,
                Result.FAILED,
                f"batch {course.batch} ({course.name}, {course.application or 'no application'}) is "
                f"{outcome.batch.state}",
                at=outcome.at,
                running_at=outcome.running_at,
            )
        if isinstance(outcome, TimedOut):
            reason = f"batch {course.batch} ({course.name}) timed out{doubt(self.kill())}"
            self._fail(context, Result.TIMED_OUT, reason, at=outcome.at)
        assert not isinstance(outcome, Lost)
        self._fail(context, Result.UNKNOWN, outcome.reason, at=outcome.at, retried=not outcome.over)

    def _deadline(self, context: Context) -> float | None:
        started = getattr(context["ti"], "start_date", None)
        limit = self.execution_timeout.total_seconds() if self.execution_timeout else None
        return deadline_of(started.timestamp() if started else time.time(), limit)

    def _defer(self, context: Context, course: Course) -> NoReturn:
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
                pipeline=self._pipeline(context),
            ),
            method_name="execute_complete",
            timeout=self.execution_timeout + _GRACE if self.execution_timeout else None,
        )
        raise AssertionError("defer() raises")

    def _leave(self, context: Context, course: Course) -> None:
        """What others may want to know, as XComs."""
        pattern = self.spark_history_url or self.hook.history_url()
        link = history_link(pattern, application=course.application, tracking_url=course.tracking_url)
        leave(context["ti"], course, link=link)

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

    def _limits(self) -> Limits:
        return replace(
            Limits(),
            polling_seconds=float(max(self._polling_interval, 1)),
            outage_seconds=self.outage_limit.total_seconds(),
        )

    def _stopped(self) -> bool:
        return self._killed
