"""Checks of how jobs end, whoever ends them: part of ``checks_in_airflow.py``, in real Airflow."""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import importlib
import time
import unittest
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from unittest import mock

from airflow.providers.apache.livy.hooks.livy import LivyHook

from emr_dr_airflow.asynchronous import AsyncDoor
from emr_dr_airflow.compat import TRIGGER_FAILED, exception
from emr_dr_airflow.decisions.course import Course
from emr_dr_airflow.decisions.names import TaskTry, batch_name
from emr_dr_airflow.decisions.wire import Answer, Flow, Wait
from emr_dr_airflow.hooks import EmrLivyHook, Killed, NoConnection
from emr_dr_airflow.links import HISTORY_LINK
from emr_dr_airflow.operators import EmrLivyOperator
from emr_dr_airflow.triggers import EmrLivyTrigger

common: Any = importlib.import_module("checks_in_airflow")
LATE: Course = replace(common.COURSE, deadline=2.0)


class TaskInstance(SimpleNamespace):
    """One, with what it has left."""

    def __init__(self, *, number: int = 1, remembered: Any = None) -> None:
        super().__init__(dag_id="dag", run_id="run", task_id="job", map_index=-1, try_number=number)
        self.remembered = remembered
        self.left: list[tuple[str, Any]] = []

    def xcom_pull(self, **_: Any) -> Any:
        return self.remembered

    def xcom_push(self, *, key: str, value: Any) -> None:
        self.left.append((key, value))


def context(**more: Any) -> Any:
    return {"ti": TaskInstance(**more), "dag_run": SimpleNamespace()}


def operator(**arguments: Any) -> EmrLivyOperator:
    return EmrLivyOperator(task_id="job", file="f", **arguments)


@contextmanager
def told() -> Iterator[list[tuple[str, str]]]:
    """The results and reasons of the ends that are told of."""
    found: list[tuple[str, str]] = []
    reporting: Any = importlib.import_module("emr_dr_airflow.reporting")
    line = reporting.to_line

    def noted(report: Any) -> str:
        found.append((str(report.result), report.reason))
        return str(line(report))

    with mock.patch.object(reporting, "to_line", noted):
        yield found


@contextmanager
def reads(allowed: Callable[[int], bool]) -> Iterator[list[str]]:
    """Connections that are read in vain where the number of the read (from 1) is not allowed."""
    read, asked = LivyHook.get_connection, []

    def get_connection(cls: Any, conn_id: str) -> Any:
        asked.append(conn_id)
        if not allowed(len(asked)):
            raise OSError("the secrets backend does not answer")
        return read(conn_id)

    with mock.patch.object(LivyHook, "get_connection", classmethod(get_connection)):
        yield asked


def twice() -> Flow[tuple[Answer, Answer]]:
    first = yield common.QUESTION
    yield Wait(seconds=0)
    second = yield common.QUESTION
    return first, second


class EndsFromOutside(unittest.TestCase):
    def test_a_task_that_resumes_too_late_ends_its_batch_and_says_so(self) -> None:
        """Airflow 2 calls nothing but these two of a fresh operator then (A9)."""
        with common.livy(extra={"timeout": 2}) as server, told() as ends:
            late = operator()
            late.pre_execute(context(remembered=LATE.to_dict()))
            late.on_kill()
            self.assertEqual(server.methods(), ["GET", "DELETE"])
        self.assertEqual(ends, [("timed_out", "the task was ended before it could resume")])

    def test_the_job_of_another_try_is_not_taken_up(self) -> None:
        with common.livy(extra={"timeout": 2}) as server, told() as ends:
            other = operator()
            other.pre_execute(context(number=2, remembered=LATE.to_dict()))
            other.on_kill()
            self.assertEqual((server.methods(), ends), ([], []))

    def test_a_trigger_that_failed_is_reported(self) -> None:
        for course, result in ((common.COURSE, "unknown"), (LATE, "timed_out")):
            with common.livy(extra={"timeout": 2}), told() as ends:
                with suppress(Exception):
                    operator().resume_execution(TRIGGER_FAILED, {"error": "x"}, context(remembered=course.to_dict()))
                self.assertEqual(ends, [(result, "the trigger failed: x")])

    def test_a_job_that_could_not_be_ended_is_said_to_run_perhaps(self) -> None:
        with common.livy(extra={"timeout": 2}) as server, told() as ends:
            server.close()
            server.close = lambda: None
            with suppress(Exception):
                operator().resume_execution(TRIGGER_FAILED, {}, context(remembered=LATE.to_dict()))
        self.assertIn("the job may still run", ends[0][1])

    def test_a_signal_is_reported(self) -> None:
        """Airflow 2 raises what is no Exception after it called ``on_kill()``."""
        with common.livy(extra={"timeout": 2}) as server, told() as ends:
            killed = operator()
            killed._take_up(common.COURSE)
            terminated = exception("AirflowTaskTerminated")
            with self.assertRaises(terminated), killed._told_of_its_end(context()):
                killed.on_kill()
                raise terminated("Task received SIGTERM signal")
            self.assertEqual(server.methods(), ["GET", "DELETE"])
        self.assertEqual([result for result, _ in ends], ["killed"])

    def test_a_trigger_whose_task_was_taken_away_reports_it(self) -> None:
        trigger = EmrLivyTrigger(course=common.COURSE.to_dict(), limits={"again_seconds": 0.1})
        trigger.task_instance = SimpleNamespace(dag_id="dag", run_id="run", task_id="job", map_index=-1)
        with common.livy(extra={"timeout": 2}), told() as ends, common.airflow_says("failed"):
            asyncio.run(trigger.on_kill())
            asyncio.run(trigger.on_kill())
        self.assertEqual(ends, [("killed", "the task was taken away while it was deferred")])

    def test_a_batch_that_is_made_while_its_task_is_killed_is_ended(self) -> None:
        """Whoever is killed looks for it while its submit is under way, and finds none (A9)."""
        extra = {"timeout": 2, "installation": "blue"}  # which is part of the name of the batch
        name = batch_name(replace(operator()._task(context()), installation="blue"), 0)
        for arguments in ({}, {"deferrable": True}, {"polling_interval": 0}):
            with common.livy(name=name, extra=extra) as server, told() as ends:
                killed = operator(**arguments)

                def kill(method: str, killed: EmrLivyOperator = killed) -> None:
                    killed._killed = killed._killed or method == "POST"

                server.before = kill
                with self.assertRaises(Killed):
                    killed._begin(context())
                self.assertEqual(server.methods(), ["POST", "GET", "DELETE"], arguments)
            self.assertEqual([result for result, _ in ends], ["killed"])

    def test_a_try_looks_for_the_batches_of_its_own_installation(self) -> None:
        earlier = batch_name(replace(operator()._task(context(number=1)), installation="blue"), 0)
        with common.livy(extra={"timeout": 2, "installation": "blue"}) as server, told():
            second: EmrLivyOperator = operator()
            server.before = lambda method: setattr(second, "_killed", True)
            with self.assertRaises(Killed):
                second._begin(context(number=2))
            self.assertEqual(server.requests[0][1], f"/batches/{earlier}")


class EndsThatAreSeen(unittest.TestCase):
    def test_the_link_is_there_as_soon_as_there_is_an_application(self) -> None:
        with common.livy(extra={"timeout": 2, "spark_history_url": "http://h/{application_id}"}) as server:
            server.application, server.state = "", "starting"

            def go_on(method: str) -> None:
                if len(server.requests) > 2:
                    server.application, server.state = "application_1_2", "running"
                if len(server.requests) > 3:
                    server.state = "success"

            server.before = go_on
            watching, where = operator(polling_interval=1), context()
            watching._watch(where, common.COURSE)
        self.assertEqual(dict(where["ti"].left)[HISTORY_LINK], "http://h/application_1_2")

    def test_a_connection_is_read_once(self) -> None:
        """No poll, and no link, depends on the secrets backend of that moment (A7)."""
        with common.livy(extra={"timeout": 2}), reads(lambda number: number == 1) as asked:
            hook = EmrLivyHook()
            self.assertEqual([one.status for one in hook.carry_out(twice())], [200, 200])
            self.assertEqual(hook.history_url(), "")
            self.assertEqual(EmrLivyHook().like(hook).carry_out(common.one(common.QUESTION)).status, 200)
            self.assertEqual(asyncio.run(AsyncDoor(hook, hook.log).carry_out(twice()))[1].status, 200)
            self.assertEqual(len(asked), 1)

    def test_a_connection_that_cannot_be_read_is_no_answer(self) -> None:
        with common.livy(extra={"timeout": 2}), reads(lambda number: False):
            for answer in common.answers(EmrLivyHook()):
                self.assertEqual((answer.status, answer.delivered), (0, False))
                self.assertIn("cannot be read", answer.text)
            self.assertEqual(EmrLivyHook().history_url(), "")

    def test_a_trigger_goes_on_when_its_connection_can_be_read(self) -> None:
        trigger = EmrLivyTrigger(course=common.COURSE.to_dict(), limits={"again_seconds": 0.1})

        async def events() -> list[Any]:
            return [event.payload async for event in trigger.run()]

        with common.livy(state="success", extra={"timeout": 2}), reads(lambda number: number > 2):
            self.assertEqual([each["outcome"]["kind"] for each in asyncio.run(events())], ["ended"])

    def test_a_connection_that_is_not_there_is_told_of_at_once(self) -> None:
        with self.assertRaises(NoConnection):
            operator(livy_conn_id="there_is_none")._begin(context())

    def test_asking_for_a_name_is_limited_too(self) -> None:
        with common.livy(extra={"timeout": [1, 3]}):
            hook = EmrLivyHook()
            prepared = asyncio.run(AsyncDoor(hook, hook.log)._prepared())
        self.assertEqual((prepared.timeout.connect, prepared.timeout.sock_connect), (4.0, 1.0))


class EndsInAirflow2(unittest.TestCase):
    def test_a_deferred_task_whose_time_is_up_ends_its_batch(self) -> None:
        """Deferred, resumed, and timed out by what Airflow itself does (A9)."""
        from airflow import __version__

        if not __version__.startswith("2."):
            self.skipTest("Airflow 3 resumes a task whatever the time is")
        from airflow.models import taskinstance
        from airflow.models.dag import DAG
        from airflow.utils.db import initdb
        from airflow.utils.session import create_session

        def dag() -> Any:
            with DAG(dag_id="late", schedule=None, start_date=datetime(2026, 1, 1, tzinfo=UTC)) as made:
                operator(deferrable=True, execution_timeout=timedelta(minutes=5))
            return made

        def run() -> Any:
            """As a worker does: with an operator of its own."""
            with create_session() as session:
                found = session.query(taskinstance.TaskInstance).filter_by(dag_id="late").one()
                found.refresh_from_task(dag().get_task("job"))
                found.run(ignore_all_deps=True, ignore_ti_state=True, session=session)
                return found

        initdb()
        began = datetime.now(UTC)
        made = dag()
        made.sync_to_db()
        row = made.create_dagrun(
            run_id="one",
            state="running",
            execution_date=began,
            data_interval=(began, began),
            run_type="manual",
        )
        name = batch_name(
            TaskTry(dag_id="late", run_id="one", run_key=str(row.id), task_id="job", map_index=-1, number=1), 0
        )
        with create_session() as session:  # as the scheduler does
            session.query(taskinstance.TaskInstance).filter_by(dag_id="late").one().try_number = 1
        with common.livy(name=name, extra={"timeout": 2}) as server, told() as ends:
            deferred = run()
            self.assertEqual((deferred.state, server.methods()), ("deferred", ["POST"]))
            course = deferred.xcom_pull(task_ids="job", key="emr_dr_course")
            # The trigger has its word before Airflow has: its deadline comes first.
            self.assertLess(course["deadline"], deferred.trigger_timeout.timestamp())
            self.assertGreater(course["deadline"], time.time() + 200)
            with create_session() as session:
                found = session.query(taskinstance.TaskInstance).filter_by(dag_id="late").one()
                found.state, found.next_method = "queued", TRIGGER_FAILED
                found.next_kwargs = {"error": "Trigger/execution timeout"}
                found.start_date -= timedelta(minutes=6)
            later = SimpleNamespace(time=lambda: time.time() + 360)
            with (
                mock.patch.object(importlib.import_module("emr_dr_airflow.operators"), "time", later),
                self.assertRaises(exception("AirflowTaskTimeout")),
            ):
                run()
            self.assertEqual(server.methods(), ["POST", "GET", "DELETE"])
            self.assertEqual([result for result, _ in ends], ["timed_out"])
