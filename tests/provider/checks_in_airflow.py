"""Checks of hook, trigger, link and operator that need Airflow: run by ``test_in_airflow.py`` in its environments.

One argument: a directory for Airflow's home.
"""

# What it imports is where it runs, and not where it is checked.
# pyright: reportMissingImports=false

from __future__ import annotations

import asyncio
import importlib
import json
import os
import ssl
import sys
import threading
import time
import unittest
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from unittest import mock

HOME = Path(sys.argv[1])
os.environ.update(
    {
        "AIRFLOW_HOME": str(HOME),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
        "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    }
)

with warnings.catch_warnings(record=True) as WARNED:
    warnings.simplefilter("always")
    import emr_dr_airflow.compat
    import emr_dr_airflow.links
    import emr_dr_airflow.operators
    import emr_dr_airflow.triggers

    emr_dr_airflow.compat.stats()

from airflow.exceptions import AirflowException  # noqa: E402

from emr_dr_airflow import reporting  # noqa: E402
from emr_dr_airflow.asynchronous import AsyncDoor  # noqa: E402
from emr_dr_airflow.compat import TRIGGER_FAILED, TaskGone, task_state  # noqa: E402
from emr_dr_airflow.decisions.course import Course  # noqa: E402
from emr_dr_airflow.decisions.retrying import first_try  # noqa: E402
from emr_dr_airflow.decisions.telemetry import Report  # noqa: E402
from emr_dr_airflow.decisions.wire import Answer, Ask, Flow, Wait  # noqa: E402
from emr_dr_airflow.hooks import EmrLivyHook, Killed  # noqa: E402
from emr_dr_airflow.links import SparkHistoryLink, history_link  # noqa: E402
from emr_dr_airflow.operators import EmrLivyOperator  # noqa: E402
from emr_dr_airflow.triggers import EmrLivyTrigger  # noqa: E402

ID, NAME = 1003000000, "j-dag-job-0123456789abcdef-t1-r0"
COURSE = Course(number=1, name=NAME, batch=ID, begun_at=1.0, submitted_at=1.0)
# A release that nothing runs on yet.
AHEAD = version("apache-airflow-core") > "3.1" if find_spec("airflow.sdk") else False
QUESTION = Ask(method="GET", path=f"/batches/{ID}", headers={"X-Emr-Id-Prefix": "1003"})


class Server:
    """Answers with a batch called *name*; ``silent`` keeps it from answering at all."""

    def __init__(self, *, name: str = NAME, state: str = "running", tls: ssl.SSLContext | None = None) -> None:
        self.name, self.state, self.application = name, state, "application_1_1"
        self.before: Callable[[str], None] = lambda method: None
        self.silent = threading.Event()
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, format: str, *arguments: object) -> None:
                pass

            def answer(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                self.rfile.read(length)
                server.requests.append((self.command, self.path, {k.lower(): v for k, v in self.headers.items()}))
                server.before(self.command)
                if server.silent.is_set():
                    time.sleep(3)
                    self.close_connection = True
                    return
                body = {
                    "id": ID,
                    "name": server.name,
                    "state": server.state,
                    "appId": server.application,
                    "appInfo": {},
                }
                content = json.dumps(body).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = answer

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        self.port: int = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def methods(self) -> list[str]:
        return [method for method, _, _ in self.requests]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@contextmanager
def livy(*, extra: dict[str, Any] | None = None, connection: Any = None, **of_server: Any) -> Iterator[Server]:
    """A server, and the connection to it."""
    server = Server(**of_server)
    parts = {"conn_type": "livy", "host": "127.0.0.1", "port": server.port, "extra": extra or {}, **(connection or {})}
    with mock.patch.dict(os.environ, {"AIRFLOW_CONN_LIVY_DEFAULT": json.dumps(parts)}):
        try:
            yield server
        finally:
            server.close()


@contextmanager
def airflow_says(state: Any, number: int | None = None) -> Iterator[None]:
    """What a trigger is told that asks how its task is: a state and the number of a try, or an error."""

    async def told(trigger: Any) -> tuple[Any, int | None]:
        if isinstance(state, Exception):
            raise state
        return state, number

    with mock.patch.object(emr_dr_airflow.triggers, "task_state", told):
        yield


def one(question: Ask) -> Flow[Answer]:
    answer = yield question
    return answer


def answers(hook: EmrLivyHook, question: Ask = QUESTION) -> tuple[Answer, Answer]:
    """What a hook is answered both ways."""
    return hook.carry_out(one(question)), asyncio.run(AsyncDoor(hook, hook.log).carry_out(one(question)))


class Hooks(unittest.TestCase):
    def test_both_ways_ask_the_same(self) -> None:
        extra = {"timeout": 2, "X-Team": "lake", "spark_history_url": "http://history/{application_id}"}
        with livy(extra=extra, connection={"login": "me", "password": "secret"}) as server:
            hook = EmrLivyHook(extra_headers={"X-Requested-By": "airflow"}, endpoint_prefix="gateway")
            first, second = answers(hook)
            self.assertEqual((first.status, first.body), (second.status, second.body))
            self.assertEqual(first.body["name"], NAME)
            for _, path, headers in server.requests:
                self.assertEqual(path, f"/gateway/batches/{ID}")
                self.assertEqual(headers["x-emr-id-prefix"], "1003")
                self.assertEqual(headers["x-team"], "lake")
                self.assertEqual(headers["x-requested-by"], "airflow")
                self.assertTrue(headers["authorization"].startswith("Basic "))
                # What is ours in the extra, and what is of requests, are no headers.
                self.assertFalse({"spark_history_url", "timeout"} & set(headers))

    def test_every_call_has_a_limit(self) -> None:
        with livy():
            self.assertEqual(EmrLivyHook().timeout(), (5.0, 30.0))
            self.assertEqual(EmrLivyHook(extra_options={"check_response": True}).timeout(), (5.0, 30.0))
            self.assertEqual(EmrLivyHook(extra_options={"timeout": 7}).timeout(), (5.0, 7.0))
        with livy(extra={"timeout": 10}):
            self.assertEqual(EmrLivyHook().timeout(), (5.0, 10.0))
            self.assertEqual(EmrLivyHook(extra_options={"timeout": [1, 2]}).timeout(), (1.0, 2.0))
        with livy(extra={"timeout": 2}):
            self.assertEqual(EmrLivyHook().timeout(), (2.0, 2.0))
        with livy(extra={"timeout": "soon"}), self.assertRaisesRegex(AirflowException, "timeout of the Livy"):
            EmrLivyHook().timeout()

    def test_a_silent_server_is_given_up(self) -> None:
        with livy(extra={"timeout": 0.4}) as server:
            server.silent.set()
            begun = time.monotonic()
            for answer in answers(EmrLivyHook()):
                self.assertEqual(answer.status, 0)
                self.assertTrue(answer.delivered)
            with self.assertRaises((AirflowException, OSError)):
                EmrLivyHook().get_batch(ID)
            self.assertLess(time.monotonic() - begun, 2.5)

    def test_who_listens_nowhere_has_heard_nothing(self) -> None:
        with livy(extra={"timeout": 1}) as server:
            server.close()
            server.close = lambda: None  # type: ignore[method-assign]
            for answer in answers(EmrLivyHook()):
                self.assertEqual(answer.status, 0)
                self.assertFalse(answer.delivered)

    def test_the_stock_methods_work_again_and_again(self) -> None:
        with livy(extra={"timeout": 2}) as server:
            hook = EmrLivyHook()
            for _ in range(2):
                self.assertEqual(hook.get_batch(ID)["name"], NAME)
            self.assertEqual(len(server.requests), 2)

    def test_another_kind_of_log_in_is_left_to_requests(self) -> None:
        from requests.auth import HTTPProxyAuth

        with livy(extra={"timeout": 2}, connection={"login": "me", "password": "secret"}) as server:
            first, second = answers(EmrLivyHook(auth_type=HTTPProxyAuth))
            self.assertEqual((first.status, second.status), (200, 200))
            for _, _, headers in server.requests:
                self.assertIn("proxy-authorization", headers)

    def test_options_of_the_operator_count_without_an_extra(self) -> None:
        with livy():
            session = EmrLivyHook().get_conn({}, {"verify": False, "proxies": {"http": "http://proxy"}})
            self.assertIs(session.verify, False)
            self.assertEqual(session.proxies, {"http": "http://proxy"})

    def test_a_certificate_is_trusted_both_ways_or_neither(self) -> None:
        certificate = make_certificate(HOME)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        over_tls = {"schema": "https"}
        with livy(extra={"timeout": 5, "verify": str(certificate)}, connection=over_tls, tls=context):
            self.assertEqual([answer.status for answer in answers(EmrLivyHook())], [200, 200])
            # A machine that trusts other authorities than the connection's.
            with mock.patch.dict(
                os.environ, {"REQUESTS_CA_BUNDLE": ssl.get_default_verify_paths().cafile or "/dev/null"}
            ):
                self.assertEqual(answers(EmrLivyHook())[0].status, 200)
        with livy(extra={"timeout": 5, "verify": False}, connection=over_tls, tls=context):
            self.assertEqual([answer.status for answer in answers(EmrLivyHook())], [200, 200])
        # No patience makes a certificate good.
        with livy(extra={"timeout": 5}, connection=over_tls, tls=context):
            hook = EmrLivyHook()
            with self.assertRaisesRegex(AirflowException, "cannot be used"):
                hook.carry_out(one(QUESTION))
            with self.assertRaisesRegex(AirflowException, "cannot be used"):
                asyncio.run(AsyncDoor(hook, hook.log).carry_out(one(QUESTION)))

    def test_who_is_being_killed_does_not_sleep_on(self) -> None:
        def sleepy() -> Flow[None]:
            yield Wait(seconds=60)
            yield Wait(seconds=60)

        begun, hook = time.monotonic(), EmrLivyHook()
        with self.assertRaises(Killed):
            hook.carry_out(sleepy(), stop=lambda: time.monotonic() - begun > 0.2)
        self.assertLess(time.monotonic() - begun, 5)


class Triggers(unittest.TestCase):
    def trigger(self) -> EmrLivyTrigger:
        return EmrLivyTrigger(course=COURSE.to_dict(), limits={"polling_seconds": 0.1, "again_seconds": 0.1})

    def events(self, trigger: EmrLivyTrigger) -> list[Any]:
        async def collect() -> list[Any]:
            return [event.payload async for event in trigger.run()]

        return asyncio.run(collect())

    def cancelled(self, state: Any, number: int | None = None) -> list[str]:
        """Which requests but polls a trigger makes that is cancelled while its task is in a state."""

        async def carry_out() -> None:
            task: asyncio.Task[Any] = asyncio.create_task(anext(self.trigger().run()))  # type: ignore[arg-type]
            while not server.requests:
                await asyncio.sleep(0.01)
            task.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await task

        with livy(extra={"timeout": 2}) as server, airflow_says(state, number):
            asyncio.run(carry_out())
            return [method for method in server.methods() if method != "GET"]

    def killed(self, state: Any) -> list[str]:
        """Which requests but reading a trigger makes that is told to end while its task is in a state."""
        with livy(extra={"timeout": 2}) as server, airflow_says(state):
            asyncio.run(self.trigger().on_kill())
            return [method for method in server.methods() if method != "GET"]

    def test_it_fires_once_with_everything_in_the_event(self) -> None:
        with livy(state="success"):
            (event,) = self.events(self.trigger())
        self.assertEqual(event["course"], COURSE.to_dict())
        self.assertEqual(event["outcome"]["kind"], "ended")
        self.assertEqual(event["outcome"]["batch"]["application"], "application_1_1")
        json.dumps(event)

    def test_an_error_of_its_own_is_an_event_and_no_verdict(self) -> None:
        trigger = self.trigger()
        trigger.auth_type = "there_is_no_such_module:LogIn"
        (event,) = self.events(trigger)
        self.assertEqual(event["outcome"]["kind"], "unknown")

    def test_a_triggerer_that_stops_leaves_the_batch_alone(self) -> None:
        for state in ("deferred", "scheduled", "queued", "running", LookupError("whose?"), OSError("no database")):
            self.assertEqual(self.cancelled(state), [], state)
            self.assertEqual(self.killed(state), [], state)

    def test_a_task_that_was_deleted_with_its_run_ends_its_batch(self) -> None:
        """Nobody would find it: there is no next try (A9)."""
        self.assertEqual(self.cancelled(TaskGone("no such run")), ["DELETE"])
        self.assertEqual(self.killed(TaskGone("no such run")), ["DELETE"])

    def test_a_task_that_was_taken_away_ends_its_batch(self) -> None:
        """Airflow 3.3.1 calls on_kill(), too, of whoever it cancels: also of a trigger that another triggerer got."""
        for state in ("failed", "success", "skipped", None):
            self.assertEqual(self.cancelled(state), ["DELETE"], state)
            self.assertEqual(self.killed(state), ["DELETE"], state)
        self.assertEqual(self.cancelled("deferred", 2), ["DELETE"])

    def test_who_is_cancelled_again_and_again_still_reads_what_airflow_answers(self) -> None:
        """As a triggerer does each second: an answer left unread ends one of 3.0.6."""
        read: list[str] = []

        async def told(trigger: Any) -> tuple[str, None]:
            await asyncio.sleep(0.3)
            read.append("failed")
            return "failed", None

        async def carry_out() -> None:
            task: asyncio.Task[Any] = asyncio.create_task(anext(self.trigger().run()))  # type: ignore[arg-type]
            while not server.requests:
                await asyncio.sleep(0.01)
            while not task.done():
                task.cancel()
                await asyncio.sleep(0.05)
            self.assertTrue(task.cancelled())

        with livy(extra={"timeout": 2}) as server, mock.patch.object(emr_dr_airflow.triggers, "task_state", told):
            asyncio.run(carry_out())
            self.assertEqual((read, [one for one in server.methods() if one != "GET"]), (["failed"], ["DELETE"]))

    def test_another_ones_batch_is_not_ended(self) -> None:
        with livy(name="somebody-elses", extra={"timeout": 2}) as server, airflow_says("failed"):
            asyncio.run(self.trigger().on_kill())
            self.assertEqual(server.methods(), ["GET"])

    def test_airflow_can_store_it(self) -> None:
        from airflow.models.trigger import Trigger

        row = Trigger.from_object(self.trigger())
        self.assertEqual(row.classpath, "emr_dr_airflow.triggers.EmrLivyTrigger")
        again = EmrLivyTrigger(**row.kwargs)
        self.assertEqual(again.serialize(), self.trigger().serialize())


class Operators(unittest.TestCase):
    def operator(self, **arguments: Any) -> EmrLivyOperator:
        return EmrLivyOperator(task_id="job", file="f", **arguments)

    def context(self, *, number: int = 1, remembered: Any = None) -> Any:
        ti = SimpleNamespace(
            dag_id="dag", run_id="run", task_id="job", map_index=-1, try_number=number, xcom_pull=lambda **_: remembered
        )
        return {"ti": ti, "dag_run": SimpleNamespace(start_date=datetime(2026, 1, 1, tzinfo=UTC))}

    def begun(self, operator: EmrLivyOperator) -> Any:
        return mock.patch.object(type(operator), "_begin", lambda self, context: "anew")

    def test_the_event_of_another_try_is_passed_over(self) -> None:
        operator = self.operator()
        event = {"course": COURSE.to_dict(), "outcome": {"kind": "lost", "at": 1.0}}
        with self.begun(operator):
            self.assertEqual(operator.execute_complete(self.context(number=2), event), "anew")

    def test_a_job_that_is_lost_when_its_time_is_up_is_not_run_again(self) -> None:
        event = {"course": replace(COURSE, deadline=2.0).to_dict(), "outcome": {"kind": "lost", "at": 1.0}}
        with livy(extra={"timeout": 2}) as server:
            with self.assertRaisesRegex(AirflowException, "time is up"):
                self.operator().execute_complete(self.context(), event)
            self.assertEqual(server.methods(), [])

    def test_the_failed_trigger_of_another_try_is_passed_over(self) -> None:
        operator = self.operator()
        with self.begun(operator):
            context = self.context(number=2, remembered=COURSE.to_dict())
            self.assertEqual(operator.resume_execution(TRIGGER_FAILED, {"error": "x"}, context), "anew")

    def test_a_trigger_that_failed_ends_the_own_batch(self) -> None:
        from airflow.exceptions import TaskDeferralError

        with livy(extra={"timeout": 2}) as server:
            with self.assertRaises(TaskDeferralError):
                context = self.context(remembered=COURSE.to_dict())
                self.operator().resume_execution(TRIGGER_FAILED, {"error": "x"}, context)
            self.assertEqual(server.methods(), ["GET", "DELETE"])

    def test_who_is_killed_ends_nobody_elses_batch(self) -> None:
        with livy(name="somebody-elses", extra={"timeout": 2}) as server:
            operator = self.operator()
            operator._take_up(COURSE)
            operator.on_kill()
            self.assertEqual(server.methods(), ["GET"])

    def test_who_is_killed_while_nobody_answers_is_not_held_up(self) -> None:
        with livy(extra={"timeout": 60}) as server:
            server.close()
            server.close = lambda: None  # type: ignore[method-assign]
            operator, begun = self.operator(), time.monotonic()
            operator._take_up(COURSE)
            operator.on_kill()
            self.assertLess(time.monotonic() - begun, 10)

    def test_every_argument_of_the_stock_operator_is_taken(self) -> None:
        import inspect

        from airflow.providers.apache.livy.operators.livy import LivyOperator

        names = [name for name in inspect.signature(LivyOperator.__init__).parameters if name not in ("self", "kwargs")]
        given: dict[str, Any] = dict.fromkeys(names, None) | {"conf": {}, "polling_interval": 5, "deferrable": True}
        given |= {"file": "f", "livy_conn_id": "other", "extra_options": {"timeout": 1}}
        operator = EmrLivyOperator(task_id="job", **given)
        self.assertIsInstance(operator, LivyOperator)
        self.assertEqual((operator.deferrable, operator._livy_conn_id), (True, "other"))
        self.assertLessEqual(set(LivyOperator.template_fields), set(EmrLivyOperator.template_fields))

    def test_lineage_is_injected_as_the_stock_operator_does(self) -> None:
        with (
            mock.patch.object(
                emr_dr_airflow.operators,
                "inject_parent_job_information_into_spark_properties",
                lambda conf, context: {**conf, "spark.openlineage.parentRunId": "1"},
            ),
            mock.patch.object(
                emr_dr_airflow.operators,
                "inject_transport_information_into_spark_properties",
                lambda conf, context: {**conf, "spark.openlineage.transport.type": "http"},
            ),
        ):
            operator = self.operator(
                openlineage_inject_parent_job_info=True, openlineage_inject_transport_info=True, conf={"spark.x": "1"}
            )
            operator._inject_lineage(self.context())
        self.assertEqual(
            operator._body(operator._task(self.context()), NAME)["conf"].items()
            >= {
                "spark.x": "1",
                "spark.openlineage.parentRunId": "1",
                "spark.openlineage.transport.type": "http",
            }.items(),
            True,
        )

    def test_a_wrong_number_of_resubmissions_is_refused(self) -> None:
        with self.assertRaisesRegex(ValueError, "from 0 to 9, got -1"):
            self.operator(resubmissions=-1)
        with self.assertRaisesRegex(ValueError, "from 0 to 9, got 10"):
            self.operator(resubmissions=10)

    def test_the_name_of_a_batch_outlives_a_clear_of_its_run(self) -> None:
        """Airflow begins a run anew that had ended and is cleared."""
        operator, context = self.operator(), self.context()
        before = operator._task(context)
        context["dag_run"] = SimpleNamespace(start_date=None)
        self.assertEqual(operator._task(context), before)
        # Airflow 2 tells which row the run is: one that was deleted and made again has another.
        context["dag_run"] = SimpleNamespace(start_date=None, id=8)
        self.assertEqual(operator._task(context).run_key, "8")

    def test_two_installations_on_one_front_door_have_no_batch_in_common(self) -> None:
        """The same DAG in both: neither takes, or ends, what is the other's (A9)."""
        named = []
        of_mwaa = {"CUSTOMER_ACCOUNT_ID": "111122223333", "AWS_REGION": "eu-west-1"}
        for extra, environment in (({}, ""), ({}, "prod"), ({"installation": "blue"}, "prod")):
            with livy(extra=extra), mock.patch.dict(os.environ, {**of_mwaa, "AIRFLOW_ENV_NAME": environment}):
                operator = self.operator()
                named.append(operator.hook.installation())
                self.assertNotIn("installation", operator.hook.get_conn().headers)
        self.assertEqual(named, ["", "111122223333/eu-west-1/prod", "blue"])

    def test_a_connection_that_cannot_be_used_is_reported(self) -> None:
        """No patience makes a certificate good, and the job of an earlier try may run on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(make_certificate(HOME))
        published: list[str] = []
        reports: list[Report] = []

        def line(report: Report) -> str:
            reports.append(report)
            return ""

        with (
            livy(extra={"timeout": 5}, connection={"schema": "https"}, tls=context),
            mock.patch.object(reporting, "publish", lambda metrics, **_: published.extend(m.name for m in metrics)),
            mock.patch.object(reporting, "to_line", line),
            self.assertRaisesRegex(AirflowException, "cannot be used"),
        ):
            self.operator()._begin(self.context())
        self.assertEqual(published, ["jobs_unknown"])
        self.assertEqual([one.result for one in reports], ["unknown"])
        self.assertIn("may still run", reports[0].reason)

    def test_it_can_be_mapped_and_stored_and_shows_its_link(self) -> None:
        module = importlib.import_module("airflow.serialization.serialized_objects")
        kind: Any = getattr(module, "DagSerialization", None) or module.SerializedDAG
        try:
            from airflow.sdk import DAG
        except ImportError:
            from airflow.models.dag import DAG
        with DAG(dag_id="dag", schedule=None, default_args={"resubmissions": 3}) as dag:
            operator = self.operator(execution_timeout=timedelta(minutes=1))
            EmrLivyOperator.partial(task_id="many", file="f").expand(args=[["1"], ["2"]])
        self.assertEqual(operator.resubmissions, 3)
        again = kind.from_dict(kind.to_dict(dag))
        self.assertEqual([link.name for link in again.get_task("job").operator_extra_links], ["Spark application"])

    def test_the_link(self) -> None:
        pattern, url = "https://history/{application_id}/jobs", "http://yarn/proxy/application_1_1/"
        self.assertEqual(
            history_link(pattern, application="application_1_1", tracking_url=url),
            "https://history/application_1_1/jobs",
        )
        self.assertEqual(history_link("", application="application_1_1", tracking_url=url), url)
        self.assertEqual(history_link(pattern, application="", tracking_url=""), "")
        with mock.patch.object(emr_dr_airflow.links, "xcom_class") as xcom:
            xcom.return_value.get_value.return_value = None
            self.assertEqual(SparkHistoryLink().get_link(self.operator(), ti_key=mock.Mock()), "")

    def test_the_history_server_of_the_connection(self) -> None:
        with livy(extra={"spark_history_url": "http://h/{application_id}"}):
            self.assertEqual(EmrLivyHook().history_url(), "http://h/{application_id}")


class Packages(unittest.TestCase):
    def test_airflow_knows_the_provider(self) -> None:
        from airflow.providers_manager import ProvidersManager

        manager = ProvidersManager()
        self.assertIn("emr-dr-airflow", manager.providers)
        self.assertIn("emr_dr_airflow.links.SparkHistoryLink", manager.extra_links_class_names)

    def test_the_wheel_is_what_runs_and_has_the_core(self) -> None:
        import dr_core

        for package in (emr_dr_airflow, dr_core):
            self.assertIn("site-packages", str(package.__file__))

    def test_nothing_of_it_is_deprecated(self) -> None:
        self.assertEqual([str(each.message) for each in WARNED if "emr_dr_airflow" in each.filename], [])
        self.assertEqual([str(each.message) for each in WARNED if "airflow.stats" in str(each.message)], [])


@unittest.skipIf(AHEAD, "it runs no DAG that is not stored first")
class States(unittest.TestCase):
    def test_the_state_of_a_task_is_what_airflow_says(self) -> None:
        from airflow.utils.db import initdb

        try:
            from airflow.sdk import DAG, BaseOperator
        except ImportError:
            from airflow.models.baseoperator import BaseOperator
            from airflow.models.dag import DAG

        class Asks(BaseOperator):  # type: ignore[misc]
            def execute(self, context: Any) -> Any:
                ti = context["ti"]
                own = SimpleNamespace(dag_id=ti.dag_id, run_id=ti.run_id, task_id=ti.task_id, map_index=ti.map_index)
                state, number = asyncio.run(task_state(SimpleNamespace(task_instance=own)))
                Path(HOME, "state").write_text(f"{state} {number}")
                own.run_id = "deleted"
                try:
                    asyncio.run(task_state(SimpleNamespace(task_instance=own)))
                except TaskGone as gone:
                    Path(HOME, "gone").write_text(str(gone))

        initdb()
        with DAG(dag_id="asks", schedule=None) as dag:
            Asks(task_id="job")
        dag.test()
        self.assertIn("deleted", Path(HOME, "gone").read_text())
        self.assertIn(Path(HOME, "state").read_text(), ("running None", "running 1", "scheduled 1"))

    def test_a_clear_is_told_from_a_retry_by_airflows_numbers(self) -> None:
        from airflow.models.dagrun import DagRun
        from airflow.models.taskinstance import TaskInstance, clear_task_instances
        from airflow.utils.db import initdb
        from airflow.utils.session import create_session

        try:
            from airflow.sdk import DAG, BaseOperator
        except ImportError:
            from airflow.models.baseoperator import BaseOperator
            from airflow.models.dag import DAG

        class Tells(BaseOperator):  # type: ignore[misc]
            def execute(self, context: Any) -> Any:
                ti = context["ti"]
                told = {"number": ti.try_number, "max_tries": ti.max_tries, "retries": self.retries}
                told["row"] = getattr(context["dag_run"], "id", None)
                Path(HOME, "numbers").write_text(json.dumps(told))

        three = find_spec("airflow.sdk") is not None
        bag = "airflow.jobs.scheduler_job_runner.SchedulerDagBag" if three else "airflow.models.taskinstance.DagBag"
        initdb()
        with DAG(dag_id="tells", schedule=None) as dag:
            Tells(task_id="job", retries=2)
        dag.disable_bundle_versioning = True
        dag.test()
        told = json.loads(Path(HOME, "numbers").read_text())
        self.assertEqual((told["number"], told["max_tries"], told["retries"]), (1, 2, 2))
        with create_session() as session:
            run = session.query(DagRun).filter(DagRun.dag_id == "tells").one()
            self.assertIn(told["row"], (None, run.id))
            row, began = run.id, run.start_date
            one = session.query(TaskInstance).filter(TaskInstance.dag_id == "tells").one()
            with mock.patch(f"{bag}.get_dag", lambda *_, **__: dag):  # as if it had been parsed
                clear_task_instances([one], session)
            session.flush()
            self.assertEqual((run.id, run.start_date == began), (row, False))
            # Its next try is the first one since the clear.
            self.assertEqual(first_try(2, max_tries=one.max_tries, retries=2), 2)


def make_certificate(folder: Path) -> Path:
    """A certificate for 127.0.0.1, with its key, that nobody signed."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "certificate.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    return file


if __name__ == "__main__":
    sys.modules["checks_in_airflow"] = sys.modules["__main__"]
    sys.path.append(str(Path(__file__).parent))
    more = vars(importlib.import_module("checks_of_ends"))
    globals().update({name: each for name, each in more.items() if str(name).startswith("Ends")})
    unittest.main(argv=[sys.argv[0], *sys.argv[2:]], verbosity=2)
