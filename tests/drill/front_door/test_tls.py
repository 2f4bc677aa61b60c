"""What nodes speak TLS with (B8)."""

from __future__ import annotations

import ssl
from pathlib import Path

from emr_drill.authority import Authority
from emr_drill.front_door.tls import Certificates, blind, serving


def test_a_server_speaks_nothing_older_than_the_policy(tmp_path: Path) -> None:
    file = tmp_path / "server.pem"
    context = serving(Authority().issue(["a.example"]), file)

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert file.stat().st_mode & 0o077 == 0


def test_a_load_balancer_looks_at_no_certificate_of_a_target() -> None:
    assert blind().verify_mode is ssl.CERT_NONE


def test_a_certificate_is_replaced_under_its_arn(tmp_path: Path) -> None:
    held, authority = Certificates(tmp_path), Authority()
    assert held.context("arn:x/1") is None

    held.hold("arn:x/1", authority.issue(["a.example"]))
    first = held.context("arn:x/1")
    held.hold("arn:x/1", authority.issue(["a.example"]))

    assert first is not None
    assert held.context("arn:x/1") is not first
