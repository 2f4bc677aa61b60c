from __future__ import annotations

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from dr_core.config import Canary, ServicePorts
from dr_core.readings import RESOURCE_MANAGER_INFO, RESOURCE_MANAGER_METRICS, Answer, Answered, NotAnswered, NotAsked
from dr_core.routing import HEALTH_BODY, HEALTH_PATH
from prober import actions as actions_module
from prober.actions import Actions

from ..http_server import refused_port
from .conftest import World

NAME = "emr-dr-canary-g2-1"
BY_NAME = f"/batches/{NAME}"
APPS = "/ws/v1/cluster/apps"
RUNNING_APPS = f"{APPS}?states=NEW,NEW_SAVING,SUBMITTED,ACCEPTED,RUNNING"


# As the samples have it.
SAID = {"lost_nodes": 0, "active_nodes": 1, "started_on": 1795231846655}
NOT_SAID = dict.fromkeys(SAID)

ODD_APPLICATIONS: list[tuple[int, Any]] = [
    (500, ""),
    (200, {}),
    (200, {"apps": ["application_1_1"]}),
    (200, {"apps": {"app": "application_1_1"}}),
    (200, {"apps": {"app": [{"name": "job"}]}}),
]


@pytest.fixture
def actions(world: World, pool: ThreadPoolExecutor) -> Actions:
    return Actions(config=world.config, pool=pool)


@pytest.fixture
def batch(sample: Callable[[str], Any]) -> dict[str, Any]:
    found: dict[str, Any] = sample("livy-batch-yarn-cluster-success")
    return {**found, "id": 1_002_000_000, "name": NAME}


class TestCanary:
    """B11: a job that proves the cluster before traffic comes."""

    def test_it_is_submitted_if_there_is_none(self, actions: Actions, world: World, batch: dict[str, Any]) -> None:
        world.livy.answers["POST", "/batches"] = (201, {**batch, "state": "starting", "appId": None})

        answer = actions.canary(address=world.address, name=NAME)

        assert answer == {"id": 1_002_000_000, "state": "starting", "app_id": None, "name": NAME}
        assert world.livy.requests == [
            ("GET", BY_NAME, None),
            ("POST", "/batches", {"name": NAME, "file": "hdfs:///tmp/emr-dr/canary.py", "args": ["10"]}),
        ]

    def test_a_class_is_named_if_it_has_one(self, actions: Actions, world: World, batch: dict[str, Any]) -> None:
        world.livy.answers["POST", "/batches"] = (201, batch)
        config = replace(world.config, canary=Canary(file="x.jar", class_name="org.example.Pi"))

        replace(actions, config=config).canary(address=world.address, name=NAME)

        assert world.livy.requests[-1][2] == {"name": NAME, "file": "x.jar", "args": [], "className": "org.example.Pi"}

    def test_one_that_exists_is_read(self, actions: Actions, world: World, batch: dict[str, Any]) -> None:
        world.livy.answers["GET", BY_NAME] = (200, batch)

        answer = actions.canary(address=world.address, name=NAME)

        assert answer == {"id": 1_002_000_000, "state": "success", "app_id": batch["appId"], "name": NAME}
        assert [method for method, _, _ in world.livy.requests] == ["GET"]

    def test_one_that_was_submitted_meanwhile_is_read(
        self, actions: Actions, world: World, batch: dict[str, Any], sample: Callable[[str], Any]
    ) -> None:
        """A submission whose answer was lost is not repeated: Livy takes each name once."""
        world.livy.answers["GET", BY_NAME] = [(404, {"msg": "not found"}), (200, batch)]
        world.livy.answers["POST", "/batches"] = (400, sample("livy-post-batch-duplicate-name"))

        assert actions.canary(address=world.address, name=NAME)["id"] == 1_002_000_000

    def test_a_refusal_is_told(self, actions: Actions, world: World) -> None:
        world.livy.answers["POST", "/batches"] = (400, {"msg": "requirement failed: Local path not allowed"})

        answer = actions.canary(address=world.address, name=NAME)

        assert list(answer) == ["error"]
        assert answer["error"].startswith(f"Livy at 127.0.0.1:{world.livy.port}: answered 400: ")
        assert "Local path not allowed" in answer["error"]

    @pytest.mark.parametrize(
        ("said", "told"),
        [
            ((503, "starting"), "answered 503: starting"),
            ((200, "<html>"), "answered 200 without JSON"),
            ((200, []), "answered 200 with something else than an object: []"),
        ],
    )
    def test_an_odd_answer_is_told(self, actions: Actions, world: World, said: tuple[int, Any], told: str) -> None:
        world.livy.answers["GET", BY_NAME] = said

        assert told in actions.canary(address=world.address, name=NAME)["error"]

    def test_a_livy_that_does_not_answer_is_told(self, actions: Actions, world: World) -> None:
        dead = replace(actions, config=replace(world.config, ports=ServicePorts(livy=refused_port())))

        assert "connection refused" in dead.canary(address=world.address, name=NAME)["error"]


class TestRoute:
    """The id path through the load balancer leads to the incarnation that issued the id."""

    PATH = "/batches/1002000000"

    def ask(self, actions: Actions, *, app_id: str | None, times: int = 3) -> dict[str, Any]:
        return actions.route(name=NAME, id=1_002_000_000, app_id=app_id, times=times)

    def test_every_time_the_right_batch(self, actions: Actions, world: World, batch: dict[str, Any]) -> None:
        world.front_door.answers["GET", self.PATH] = (200, batch)

        assert self.ask(actions, app_id=batch["appId"]) == {
            "ok": True,
            "addresses": {"127.0.0.1": "ok"},
            "unreachable": {},
        }
        assert world.front_door.requests == [("GET", self.PATH, None)] * 3

    @pytest.mark.parametrize(("asked", "found"), [(None, "application_1_1"), ("application_1_1", None)])
    def test_an_application_that_one_side_does_not_know_is_not_compared(
        self, actions: Actions, world: World, batch: dict[str, Any], asked: str | None, found: str | None
    ) -> None:
        world.front_door.answers["GET", self.PATH] = (200, {**batch, "appId": found})

        assert self.ask(actions, app_id=asked)["ok"]

    @pytest.mark.parametrize("other", [{"id": 7}, {"name": "another"}, {"appId": "application_2_1"}])
    def test_one_wrong_batch_is_enough_to_fail(
        self, actions: Actions, world: World, batch: dict[str, Any], other: dict[str, Any]
    ) -> None:
        world.front_door.answers["GET", self.PATH] = [(200, batch), (200, {**batch, **other})]

        answer = self.ask(actions, app_id=batch["appId"])

        assert not answer["ok"]
        assert answer["addresses"]["127.0.0.1"].startswith(f"asked for batch 1002000000 {NAME} ")

    def test_a_rule_that_did_not_take_effect_yet_is_told(self, actions: Actions, world: World) -> None:
        world.front_door.answers["GET", self.PATH] = (410, {"msg": "no cluster"})

        assert self.ask(actions, app_id=None) == {
            "ok": False,
            "addresses": {"127.0.0.1": 'answered 410: {"msg": "no cluster"}'},
            "unreachable": {},
        }

    @pytest.mark.parametrize("found", ["", "of nobody"])
    def test_every_address_that_answers_has_to_lead_there(
        self, actions: Actions, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch, found: str
    ) -> None:
        lost = Answered(status=410, body="gone") if found else NotAnswered(detail="no whole answer within 3 s")
        answer_at(
            monkeypatch,
            {
                ("127.0.0.1", self.PATH): [Answered(status=200, body=json.dumps(batch))],
                ("127.0.0.2", self.PATH): [lost],
                ("127.0.0.2", HEALTH_PATH): [Answered(status=200, body=HEALTH_BODY)],
            },
        )

        answer = self.ask(actions, app_id=None)

        assert not answer["ok"]
        assert set(answer["addresses"]) == {"127.0.0.1", "127.0.0.2"}
        assert answer["unreachable"] == {}

    def test_an_address_of_a_dead_zone_is_left_out(
        self, actions: Actions, world: World, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A12: a load balancer's node in the zone that failed stays in DNS when no zone has a healthy target."""
        world.front_door.answers["GET", self.PATH] = (200, batch)
        monkeypatch.setattr(actions_module, "resolve", lambda *_, **__: ["127.0.0.1", "127.0.0.2"])

        assert self.ask(actions, app_id=None) == {
            "ok": True,
            "addresses": {"127.0.0.1": "ok"},
            "unreachable": {"127.0.0.2": "connection refused"},
        }

    def test_an_address_is_asked_twice_before_it_is_left_out(
        self, actions: Actions, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """One lost packet must not hide an address whose rule did not take effect yet."""
        nothing = NotAnswered(detail="connection reset")
        answer_at(
            monkeypatch,
            {
                ("127.0.0.1", self.PATH): [Answered(status=200, body=json.dumps(batch))],
                ("127.0.0.2", self.PATH): [nothing],
                ("127.0.0.2", HEALTH_PATH): [nothing, Answered(status=200, body=HEALTH_BODY)],
            },
        )

        assert self.ask(actions, app_id=None)["addresses"] == {"127.0.0.1": "ok", "127.0.0.2": "connection reset"}

    def test_an_error_of_our_own_is_not_the_silence_of_an_address(
        self, actions: Actions, batch: dict[str, Any], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        ours = NotAsked(detail="could not ask: no descriptor left")
        answer_at(
            monkeypatch,
            {
                ("127.0.0.1", self.PATH): [Answered(status=200, body=json.dumps(batch))],
                ("127.0.0.2", self.PATH): [ours],
            },
        )

        assert not self.ask(actions, app_id=None)["ok"]

    @pytest.mark.parametrize("addresses", [[], ["127.0.0.2"]])
    def test_no_address_that_answers_is_not_ok(
        self, actions: Actions, monkeypatch: pytest.MonkeyPatch, addresses: list[str]
    ) -> None:
        monkeypatch.setattr(actions_module, "resolve", lambda *_, **__: addresses)

        answer = self.ask(actions, app_id=None)

        assert not answer["ok"]
        assert answer["addresses"] == {}
        assert list(answer["unreachable"]) == addresses
        assert "no address of the load balancer answers" in answer["error"]


def answer_at(monkeypatch: pytest.MonkeyPatch, answers: dict[tuple[str, str], list[Answer]]) -> None:
    """Have each address and path answer in turn; the last answer stays."""

    def fetch(address: str, _port: int, path: str, **_: Any) -> Answer:
        left = answers[address, path]
        return left.pop(0) if len(left) > 1 else left[0]

    monkeypatch.setattr(actions_module, "fetch", fetch)
    monkeypatch.setattr(actions_module, "resolve", lambda *_, **__: sorted({address for address, _ in answers}))


class TestKillApplications:
    """Ids answer 410 only when their owner is fenced: what ran on the old incarnation is known dead."""

    def test_every_application_is_killed(self, actions: Actions, world: World) -> None:
        listed = {"apps": {"app": [{"id": "application_1_1"}, {"id": "application_1_2"}]}}
        world.resource_manager.answers["GET", RUNNING_APPS] = [(200, listed), (200, {"apps": None})]

        answer = actions.kill_applications(address=world.address)

        assert answer == {"reachable": True, "running": [], **SAID}
        assert sorted(each for each in world.resource_manager.requests if each[0] == "PUT") == [
            ("PUT", f"{APPS}/application_1_1/state", {"state": "KILLED"}),
            ("PUT", f"{APPS}/application_1_2/state", {"state": "KILLED"}),
        ]

    def test_what_still_runs_is_told(self, actions: Actions, world: World) -> None:
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, {"apps": {"app": [{"id": "application_1_1"}]}})

        assert actions.kill_applications(address=world.address) == {
            "reachable": True,
            "running": ["application_1_1"],
            **SAID,
        }

    @pytest.mark.parametrize("nothing", [{"apps": None}, {"apps": {}}, {"apps": {"app": []}}])
    def test_nothing_runs(self, actions: Actions, world: World, nothing: dict[str, Any]) -> None:
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, nothing)

        assert actions.kill_applications(address=world.address)["running"] == []

    @pytest.mark.parametrize(
        ("metrics", "lost", "active"),
        [
            ((200, {"clusterMetrics": {"lostNodes": 2, "activeNodes": 3}}), 2, 3),
            ((200, {"clusterMetrics": {"activeNodes": 2}}), None, 2),
            ((200, {"clusterMetrics": {"lostNodes": True, "activeNodes": False}}), None, None),
            ((200, {"clusterMetrics": {"lostNodes": "0", "activeNodes": 1.5}}), None, None),
            ((200, {"clusterMetrics": None}), None, None),
            ((200, "no JSON"), None, None),
            ((500, {"clusterMetrics": {"lostNodes": 0, "activeNodes": 1}}), None, None),
        ],
    )
    def test_nodes_are_counted(
        self, actions: Actions, world: World, metrics: tuple[int, Any], lost: int | None, active: int | None
    ) -> None:
        """A14: lost ones never hear that an application was killed; what cannot be read is no 0."""
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, {"apps": None})
        world.resource_manager.answers["GET", RESOURCE_MANAGER_METRICS] = metrics

        assert actions.kill_applications(address=world.address) == {
            "reachable": True,
            "running": [],
            **SAID,
            "lost_nodes": lost,
            "active_nodes": active,
        }

    @pytest.mark.parametrize(
        ("info", "started_on"),
        [
            ((200, {"clusterInfo": {"startedOn": 1795231846655, "haState": "ACTIVE"}}), 1795231846655),
            ((200, {"clusterInfo": {"startedOn": 1795231846655, "haState": "STANDBY"}}), None),
            ((200, {"clusterInfo": {"startedOn": 1795231846655}}), None),
            ((200, {"clusterInfo": {"haState": "ACTIVE"}}), None),
            ((200, {"clusterInfo": {"startedOn": "1795231846655", "haState": "ACTIVE"}}), None),
            ((200, {"clusterInfo": None}), None),
            ((200, {}), None),
            ((500, ""), None),
        ],
    )
    def test_it_is_told_when_it_was_started(
        self, actions: Actions, world: World, info: tuple[int, Any], started_on: int | None
    ) -> None:
        """A14: one that was started again may have forgotten applications; what cannot be read is not known."""
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, {"apps": None})
        world.resource_manager.answers["GET", RESOURCE_MANAGER_INFO] = info

        assert actions.kill_applications(address=world.address)["started_on"] == started_on

    def test_nodes_and_start_are_read_after_the_list(self, actions: Actions, world: World) -> None:
        """A14: a node that is lost, or a start, between them must be noticed."""
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, {"apps": None})

        actions.kill_applications(address=world.address)

        assert [each[:2] for each in world.resource_manager.requests[-2:]] == [
            ("GET", RESOURCE_MANAGER_METRICS),
            ("GET", RESOURCE_MANAGER_INFO),
        ]

    def test_a_resource_manager_that_does_not_answer_is_not_reachable(self, actions: Actions, world: World) -> None:
        """Not reachable is not the same as nothing runs: containers on other nodes may."""
        dead = replace(actions, config=replace(world.config, ports=ServicePorts(resource_manager=refused_port())))

        assert dead.kill_applications(address=world.address) == {
            "reachable": False,
            "running": [],
            **NOT_SAID,
        }

    @pytest.mark.parametrize("odd", ODD_APPLICATIONS)
    def test_one_that_answers_oddly_is_not_reachable(
        self, actions: Actions, world: World, odd: tuple[int, Any]
    ) -> None:
        """No list is not an empty list: ids would answer 410 while applications run."""
        world.resource_manager.answers["GET", RUNNING_APPS] = odd

        assert actions.kill_applications(address=world.address) == {
            "reachable": False,
            "running": [],
            **NOT_SAID,
        }


class TestNewestId:
    """How much of a range is used: both counters count."""

    @pytest.fixture(autouse=True)
    def empty(self, world: World) -> None:
        for collection in ("/batches", "/sessions"):
            world.livy.answers["GET", one_from(collection, 0)] = (200, page([], total=0))

    def test_a_livy_that_lists_nothing_has_none(self, actions: Actions, world: World) -> None:
        assert actions.newest_id(address=world.address) == {"id": None}

    @pytest.mark.parametrize("collection", ["/batches", "/sessions"])
    def test_the_only_one_is_the_newest(self, actions: Actions, world: World, collection: str) -> None:
        world.livy.answers["GET", one_from(collection, 0)] = (200, page([{"id": 1001000007}], total=1))

        assert actions.newest_id(address=world.address) == {"id": 1001000007}
        assert len(world.livy.requests) == 2

    def test_the_last_one_is_the_newest(self, actions: Actions, world: World) -> None:
        """Livy lists them in the order in which they came, and has forgotten the first ones."""
        world.livy.answers["GET", one_from("/batches", 0)] = (200, page([{"id": 1001000040}], total=3))
        world.livy.answers["GET", one_from("/batches", 2)] = (200, page([{"id": 1001000042}], total=3))

        assert actions.newest_id(address=world.address) == {"id": 1001000042}

    @pytest.mark.parametrize(("batch", "session"), [(1001000040, 1001000041), (1001000041, 1001000040)])
    def test_the_counter_that_is_ahead_counts(self, actions: Actions, world: World, batch: int, session: int) -> None:
        world.livy.answers["GET", one_from("/batches", 0)] = (200, page([{"id": batch}], total=1))
        world.livy.answers["GET", one_from("/sessions", 0)] = (200, page([{"id": session}], total=1))

        assert actions.newest_id(address=world.address) == {"id": 1001000041}

    def test_real_answers_are_understood(self, actions: Actions, world: World, sample: Callable[[str], Any]) -> None:
        world.livy.answers["GET", one_from("/sessions", 0)] = (200, sample("livy-sessions-one"))

        assert actions.newest_id(address=world.address) == {"id": 1_000_000}

    def test_one_that_was_forgotten_meanwhile_says_nothing(self, actions: Actions, world: World) -> None:
        world.livy.answers["GET", one_from("/batches", 0)] = (200, page([{"id": 1001000040}], total=2))
        world.livy.answers["GET", one_from("/batches", 1)] = (200, page([], total=1))

        assert "changed while it was read" in actions.newest_id(address=world.address)["error"]

    @pytest.mark.parametrize(
        "odd", [(500, ""), (200, {}), (200, {"total": 1, "sessions": [{}]}), (200, {"total": 1, "sessions": [7]})]
    )
    def test_an_odd_answer_says_nothing(self, actions: Actions, world: World, odd: tuple[int, Any]) -> None:
        world.livy.answers["GET", one_from("/sessions", 0)] = odd

        assert actions.newest_id(address=world.address).keys() == {"error"}

    def test_a_livy_that_does_not_answer_says_nothing(self, actions: Actions, world: World) -> None:
        dead = replace(actions, config=replace(world.config, ports=ServicePorts(livy=refused_port())))

        assert "connection refused" in dead.newest_id(address=world.address)["error"]


class TestWork:
    """B11: a planned retirement waits for what Livy and YARN still have to do."""

    @pytest.fixture(autouse=True)
    def idle(self, world: World) -> None:
        world.livy.answers["GET", batches_from(0)] = (200, page([], total=0))
        world.livy.answers["GET", SESSIONS] = (200, page([], total=0))
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, {"apps": None})

    def test_nothing_is_left(self, actions: Actions, world: World) -> None:
        assert actions.work(address=world.address) == {"reachable": True, **NOTHING, "unknown": {}}

    def test_what_livy_has_not_ended_is_work(
        self, actions: Actions, world: World, sample: Callable[[str], Any]
    ) -> None:
        """The real answer of a Livy with batches that succeeded, died, start and run."""
        many = sample("livy-batches-many")
        world.livy.answers["GET", batches_from(0)] = (200, many)

        answer = actions.work(address=world.address)

        final = {"success", "dead"}
        assert {each["state"] for each in many["sessions"]} > final
        assert answer["batches"] == [each["id"] for each in many["sessions"] if each["state"] not in final]
        assert answer["reachable"]

    @pytest.mark.parametrize("state", ["success", "dead", "killed", "error"])
    def test_what_came_to_its_end_is_no_work(self, actions: Actions, world: World, state: str) -> None:
        world.livy.answers["GET", batches_from(0)] = (200, page([{"id": 7, "state": state}], total=1))

        assert actions.work(address=world.address)["batches"] == []

    @pytest.mark.parametrize("state", ["not_started", "starting", "recovering", "running", "busy", "shutting_down"])
    def test_what_may_still_write_is_work(self, actions: Actions, world: World, state: str) -> None:
        world.livy.answers["GET", batches_from(0)] = (200, page([{"id": 7, "state": state}], total=1))

        assert actions.work(address=world.address)["batches"] == [7]

    def test_an_idle_session_is_work(self, actions: Actions, world: World, sample: Callable[[str], Any]) -> None:
        """Its client may send a statement at any time, and its application lives."""
        sessions = sample("livy-sessions-one")
        sessions["sessions"][0]["state"] = "idle"
        world.livy.answers["GET", SESSIONS] = (200, sessions)

        assert actions.work(address=world.address)["sessions"] == [1_000_000]

    def test_applications_of_others_are_work(
        self, actions: Actions, world: World, sample: Callable[[str], Any]
    ) -> None:
        """EMR steps and people submit to YARN without Livy."""
        applications = sample("rm-apps")
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, applications)

        assert actions.work(address=world.address) == {
            "reachable": True,
            **NOTHING,
            "applications": ["application_1795231846655_0001"],
            "unknown": {},
        }

    def test_every_page_is_read(self, actions: Actions, world: World) -> None:
        """Livy keeps what has ended for a day: what still runs may be on any page."""
        for first, count in ((0, 100), (100, 100), (200, 1)):
            items = [{"id": first + each, "state": "success"} for each in range(count)]
            items[-1]["state"] = "running"
            world.livy.answers["GET", batches_from(first)] = (200, page(items, total=201))

        assert actions.work(address=world.address)["batches"] == [99, 199, 200]

    def test_pages_that_do_not_fit_together_say_nothing(self, actions: Actions, world: World) -> None:
        """What Livy forgot meanwhile moved a batch into a page that was read already."""
        world.livy.answers["GET", batches_from(0)] = (200, page([{"id": 1, "state": "success"}] * 100, total=101))
        world.livy.answers["GET", batches_from(100)] = (200, page([], total=100))

        answer = actions.work(address=world.address)

        assert (answer["reachable"], answer["unknown"]) == (False, {"livy": "/batches changed while it was read"})

    def test_a_livy_that_does_not_answer_is_told_apart(
        self, actions: Actions, world: World, sample: Callable[[str], Any]
    ) -> None:
        """What YARN runs is known all the same."""
        world.resource_manager.answers["GET", RUNNING_APPS] = (200, sample("rm-apps"))
        ports = replace(world.config.ports, livy=refused_port())

        answer = replace(actions, config=replace(world.config, ports=ports)).work(address=world.address)

        assert answer == {
            "reachable": False,
            **NOTHING,
            "applications": ["application_1795231846655_0001"],
            "unknown": {"livy": "connection refused"},
        }

    @pytest.mark.parametrize("odd", ODD_APPLICATIONS)
    def test_a_resource_manager_that_answers_oddly_is_told_apart(
        self, actions: Actions, world: World, odd: tuple[int, Any]
    ) -> None:
        world.livy.answers["GET", batches_from(0)] = (200, page([{"id": 7, "state": "running"}], total=1))
        world.resource_manager.answers["GET", RUNNING_APPS] = odd

        answer = actions.work(address=world.address)

        assert (answer["reachable"], answer["batches"], list(answer["unknown"])) == (False, [7], ["resource_manager"])

    @pytest.mark.parametrize(
        "odd",
        [
            (500, ""),
            (200, {"sessions": []}),
            (200, {"total": "0", "sessions": []}),
            (200, {"total": 0, "sessions": None}),
            (200, {"total": 1, "sessions": [{"id": 7}]}),
            (200, {"total": 1, "sessions": [{"state": "running"}]}),
            (200, {"total": 1, "sessions": [7]}),
        ],
    )
    @pytest.mark.parametrize("collection", ["batches", "sessions"])
    def test_a_livy_that_answers_oddly_is_told_apart(
        self, actions: Actions, world: World, collection: str, odd: tuple[int, Any]
    ) -> None:
        """Half of what Livy says is not what is left."""
        world.livy.answers["GET", batches_from(0)] = (200, page([{"id": 7, "state": "running"}], total=1))
        world.livy.answers["GET", batches_from(0) if collection == "batches" else SESSIONS] = odd

        answer = actions.work(address=world.address)

        assert {name: answer[name] for name in NOTHING} == NOTHING
        assert (answer["reachable"], list(answer["unknown"])) == (False, ["livy"])


SESSIONS = "/sessions?from=0&size=100"
NOTHING: dict[str, Any] = {"batches": [], "sessions": [], "applications": []}


def batches_from(first: int) -> str:
    """Path of one page of batches."""
    return f"/batches?from={first}&size=100"


def one_from(collection: str, first: int) -> str:
    """Path of one entry of *collection*."""
    return f"{collection}?from={first}&size=1"


def page(items: list[dict[str, Any]], *, total: int) -> dict[str, Any]:
    """What Livy says to it."""
    return {"from": 0, "total": total, "sessions": items}
