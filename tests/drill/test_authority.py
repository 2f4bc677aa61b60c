"""The authority that lives for one drill (B8)."""

from __future__ import annotations

import datetime
import io
import zipfile

from cryptography import x509

from emr_drill.authority import Authority


def test_every_authority_is_another_one() -> None:
    assert Authority().pem != Authority().pem


def test_a_certificate_is_for_its_names_and_of_its_authority() -> None:
    authority = Authority("one")
    made = authority.issue(["livy.example.com", "*.ec2.internal"])
    found = x509.load_pem_x509_certificate(made.certificate)
    names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value

    assert names.get_values_for_type(x509.DNSName) == ["livy.example.com", "*.ec2.internal"]
    found.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pem))
    assert made.ends == found.not_valid_after_utc.isoformat()


def test_a_certificate_can_have_ended() -> None:
    made = Authority().issue(["a.example"], life=-datetime.timedelta(hours=1))

    assert datetime.datetime.fromisoformat(made.ends) < datetime.datetime.now(datetime.UTC)


def test_an_archive_has_the_three_files_that_emr_takes() -> None:
    with zipfile.ZipFile(io.BytesIO(Authority().issue(["*.ec2.internal"]).archive())) as files:
        assert sorted(files.namelist()) == ["certificateChain.pem", "privateKey.pem", "trustedCertificates.pem"]
