"""B8: TLS with a certificate that is looked at, and what becomes of one that cannot be trusted."""

from __future__ import annotations

import datetime
import json
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from dr_core import readings, routing
from dr_core.config import ServicePorts
from dr_core.evidence import Evidence, Service, Verdict, look_to_dict
from dr_core.readings import Answered, NotAnswered, NotAsked
from emr_drill.authority import Authority, Certificate
from prober import looking
from prober.actions import Actions
from prober.trust import Peer, Trust, of_front_door, of_primary

from ..http_server import CannedServer, canned_server, odd_server
from .conftest import World

NAME = "livy.example.com"
LIMIT = 2.0
DAY = datetime.timedelta(days=1)


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


@pytest.fixture
def trust(authority: Authority, tmp_path: Path) -> Trust:
    file = tmp_path / "authority.pem"
    file.write_bytes(authority.pem)
    return Trust.load(file)


@pytest.fixture
def peer(trust: Trust) -> Peer:
    return Peer(name=NAME, trust=trust)


def speaking(certificate: Certificate, folder: Path) -> ssl.SSLContext:
    file = folder / "server.pem"
    file.write_bytes(certificate.key + certificate.certificate + certificate.chain)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


@contextmanager
def server(certificate: Certificate, folder: Path) -> Iterator[CannedServer]:
    with canned_server(speaking(certificate, folder)) as canned:
        canned.answers["GET", "/x"] = (200, "hello")
        canned.answers["GET", routing.HEALTH_PATH] = (200, routing.HEALTH_BODY)
        yield canned


def test_a_good_certificate_says_nothing(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    with server(authority.issue([NAME]), tmp_path) as canned:
        answer = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)

    assert answer == Answered(status=200, body="hello")


@pytest.mark.parametrize(
    ("names", "life", "said"),
    [
        ([NAME], -DAY / 2, "certificate has expired"),
        (["other.example.com"], DAY * 90, "Hostname mismatch"),
    ],
)
def test_a_wrong_certificate_is_told_and_the_answer_counts(
    authority: Authority, peer: Peer, tmp_path: Path, names: Sequence[str], life: datetime.timedelta, said: str
) -> None:
    """A14: it is no sick service, and no failover would mend it."""
    with server(authority.issue(names, life=life), tmp_path) as canned:
        answer = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, Answered)
    assert (answer.status, answer.body) == (200, "hello")
    assert answer.certificate.startswith(
        f"the certificate that 127.0.0.1:{canned.port} shows for {NAME} is not trusted"
    )
    assert said in answer.certificate


def test_a_certificate_of_a_stranger_is_told(peer: Peer, tmp_path: Path) -> None:
    with server(Authority("somebody").issue([NAME]), tmp_path) as canned:
        answer = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, Answered)
    assert "unable to get local issuer certificate" in answer.certificate or "self-signed" in answer.certificate


def test_a_certificate_is_told_of_before_it_ends(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    """Two weeks before, so that a person has time."""
    with server(authority.issue([NAME], life=13 * DAY), tmp_path) as canned:
        answer = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, Answered)
    assert answer.certificate.startswith(f"the certificate of {NAME} ends on ")


def test_a_request_goes_out_once(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    """A14: a canary that is submitted twice would be two."""
    with server(authority.issue(["other.example.com"]), tmp_path) as canned:
        canned.answers["POST", "/batches"] = (201, {})
        looking.fetch("127.0.0.1", canned.port, "/batches", limit=LIMIT, method="POST", body={"file": "x"}, peer=peer)

        assert canned.requests == [("POST", "/batches", {"file": "x"})]


def test_who_does_not_speak_tls_has_not_answered(peer: Peer) -> None:
    """The load balancer speaks TLS to its targets: such a service is of no use to clients."""
    with canned_server() as plain:
        answer = looking.fetch("127.0.0.1", plain.port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, NotAnswered)
    assert answer.detail.startswith("does not speak TLS")


@contextmanager
def slow_server(context: ssl.SSLContext, delays: Sequence[float]) -> Iterator[int]:
    """One that lets each client wait before it shakes hands; the last delay stays."""
    waiting = list(delays)

    def talk(connected: socket.socket) -> None:
        time.sleep(waiting.pop(0) if len(waiting) > 1 else waiting[0])
        with context.wrap_socket(connected, server_side=True) as speaking:
            if speaking.recv(4096):
                speaking.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

    with odd_server(talk) as port:
        yield port


def test_who_is_not_trusted_has_the_same_time_as_others(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    """A14: slow is not dead; a service that answers in time with a good certificate does so with an expired one."""
    expired = speaking(authority.issue([NAME], life=-DAY / 2), tmp_path)
    with slow_server(expired, [0.7, 0.7]) as port:
        answer = looking.fetch("127.0.0.1", port, "/x", limit=1.0, peer=peer)

    assert isinstance(answer, Answered)
    assert "certificate has expired" in answer.certificate


def test_who_is_known_not_to_be_trusted_is_asked_first_and_looked_at_afterwards(
    authority: Authority, peer: Peer, tmp_path: Path
) -> None:
    """A11, A14: from the second time on one limit is enough, whatever becomes of the look at the certificate."""
    expired = speaking(authority.issue([NAME], life=-DAY / 2), tmp_path)
    with slow_server(expired, [0, 0, 0.7]) as port:
        first = looking.fetch("127.0.0.1", port, "/x", limit=1.0, peer=peer)
        began = time.monotonic()
        second = looking.fetch("127.0.0.1", port, "/x", limit=1.0, peer=peer)
        took = time.monotonic() - began

    assert isinstance(second, Answered)
    assert second.certificate == first.certificate != ""
    assert took < 1.3


def test_a_certificate_that_was_put_right_is_trusted_again(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    context = speaking(authority.issue([NAME], life=-DAY / 2), tmp_path)
    with canned_server(context) as canned:
        canned.answers["GET", "/x"] = (200, "hello")
        first = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)
        good = authority.issue([NAME])
        renewed = tmp_path / "renewed.pem"
        renewed.write_bytes(good.key + good.certificate + good.chain)
        context.load_cert_chain(renewed)
        second = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)

    assert first.certificate
    assert second == Answered(status=200, body="hello")
    assert not peer.trust.distrusted


def test_a_certificate_is_told_of_even_if_no_answer_follows(authority: Authority, peer: Peer, tmp_path: Path) -> None:
    """B8: a person hears of it although the service is dead besides."""
    expired = speaking(authority.issue([NAME], life=-DAY / 2), tmp_path)

    def hang_up(connected: socket.socket) -> None:
        with expired.wrap_socket(connected, server_side=True) as shaken:
            shaken.recv(4096)

    with odd_server(hang_up) as port:
        answer = looking.fetch("127.0.0.1", port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, NotAnswered)
    assert "certificate has expired" in answer.certificate
    assert readings.certificates([answer]) == (answer.certificate,)


def test_tls_that_both_speak_differently_says_nothing_of_the_service(
    authority: Authority, peer: Peer, tmp_path: Path
) -> None:
    """A14: the load balancer, which agrees on other ciphers, may find it healthy."""
    context = speaking(authority.issue([NAME]), tmp_path)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    peer.trust.verifying.minimum_version = ssl.TLSVersion.TLSv1_3
    with canned_server(context) as canned:
        answer = looking.fetch("127.0.0.1", canned.port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, NotAsked)
    assert answer.detail.startswith("does not agree with us on how to speak TLS: ")


def test_who_hangs_up_instead_of_shaking_hands_has_not_answered(peer: Peer) -> None:
    def hang_up(connected: socket.socket) -> None:
        connected.recv(4096)

    with odd_server(hang_up) as port:
        answer = looking.fetch("127.0.0.1", port, "/x", limit=LIMIT, peer=peer)

    assert isinstance(answer, NotAnswered)


def test_hands_that_are_never_shaken_are_cut(peer: Peer) -> None:
    def silent(connected: object) -> None:
        while connected.recv(4096):  # type: ignore[attr-defined]
            pass

    with odd_server(silent) as port:
        answer = looking.fetch("127.0.0.1", port, "/x", limit=0.2, peer=peer)

    assert answer == NotAnswered(detail="no whole answer within 0.2 s")


def test_a_file_of_authorities_replaces_the_public_ones(trust: Trust) -> None:
    """Least trust: who has an authority of his own means that one."""
    subjects = [each["subject"] for each in trust.verifying.get_ca_certs()]
    assert subjects == [((("commonName", "emr-dr drill"),),)]


@pytest.mark.parametrize("set_by_python", [0, ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN])
def test_certificates_are_judged_alike_in_every_release_of_python(
    monkeypatch: pytest.MonkeyPatch, trust: Trust, tmp_path: Path, set_by_python: int
) -> None:
    """From Python 3.13 on, which functions run on, contexts are strict by default."""
    made = ssl.create_default_context

    def of_that_release(cafile: str | None = None) -> ssl.SSLContext:
        context = made(cafile=cafile)
        context.verify_flags &= ~(ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN)
        context.verify_flags |= set_by_python
        return context

    monkeypatch.setattr(ssl, "create_default_context", of_that_release)
    flags = Trust.load(tmp_path / "authority.pem").verifying.verify_flags

    assert not flags & ssl.VERIFY_X509_STRICT
    assert flags & ssl.VERIFY_X509_PARTIAL_CHAIN


def test_without_a_file_the_public_authorities_are_trusted(tmp_path: Path) -> None:
    trust = Trust.load(tmp_path / "none.pem")

    assert trust.verifying.verify_mode is ssl.CERT_REQUIRED
    assert trust.verifying.check_hostname


def test_names_come_from_the_settings_and_from_ec2(world: World, trust: Trust) -> None:
    config = replace(
        world.config,
        front_door_scheme="https",
        front_door_name=NAME,
        cluster_domain="ec2.internal",
        ports=ServicePorts(scheme="https"),
    )
    door, primary = of_front_door(config, trust), of_primary(config, trust, "10.20.1.7")

    assert door is not None and door.name == NAME
    assert primary is not None and primary.name == "ip-10-20-1-7.ec2.internal"
    assert of_front_door(world.config, trust) is None
    assert of_primary(world.config, trust, "10.20.1.7") is None


def test_the_control_passes_with_a_wrong_certificate_and_tells(
    world: World, authority: Authority, trust: Trust, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    """A14: probers that an expired certificate blinds would see no dead cluster either."""
    with server(authority.issue([NAME], life=-DAY / 2), tmp_path) as canned:
        config = replace(world.config, front_door_scheme="https", front_door_name=NAME, front_door_port=canned.port)
        seen = looking.look_at_front_door(pool, config=config, trust=trust)

    assert seen.reached
    assert len(seen.certificates) == 1
    assert "certificate has expired" in seen.certificates[0]


def test_a_livy_with_an_expired_certificate_is_healthy(
    world: World, authority: Authority, trust: Trust, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    """A14: every cluster has the same certificate; a verdict on it would replace them all, for nothing."""
    expired = authority.issue(["*.ec2.internal"], life=-DAY / 2)
    with canned_server(speaking(expired, tmp_path)) as canned:
        canned.answers["GET", readings.LIVY_SESSIONS] = (200, {"from": 0, "total": 0, "sessions": []})
        config = replace(
            world.config, cluster_domain="ec2.internal", ports=ServicePorts(scheme="https", livy=canned.port)
        )
        (seen,) = looking.end_looks(looking.begin_looks(pool, ["127.0.0.1"], config=config, trust=trust)).values()

    assert seen.services[Service.LIVY].verdict is Verdict.HEALTHY
    assert [each for each in seen.certificates if "ip-127-0-0-1.ec2.internal is not trusted" in each]


def test_ids_are_followed_through_a_front_door_that_speaks_tls(
    world: World, authority: Authority, trust: Trust, tmp_path: Path, pool: ThreadPoolExecutor
) -> None:
    with server(authority.issue([NAME]), tmp_path) as canned:
        canned.answers["GET", "/batches/7"] = (200, {"id": 7, "name": "c", "appId": None})
        config = replace(world.config, front_door_scheme="https", front_door_name=NAME, front_door_port=canned.port)
        answer = Actions(config=config, pool=pool, trust=trust).route(name="c", id=7, app_id=None, times=2)

    assert answer["ok"], answer


def test_evidence_keeps_what_was_told() -> None:
    evidence = Evidence(
        incarnation="g000001", observer="prober:a", observed_at=1.0, services={}, front_door=True, certificates=("x",)
    )

    assert Evidence.from_item(evidence.to_item(round_seconds=10)).certificates == ("x",)
    assert Evidence.from_look(look_to_dict(evidence, address="a"), incarnation="g000001").certificates == ("x",)
    json.dumps(look_to_dict(evidence, address="a"))
