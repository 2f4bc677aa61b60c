"""Which endpoints a VPC needs: who calls what from within."""

from __future__ import annotations

import pytest

from emr_dr import endpoints
from emr_dr.endpoints import AIRFLOW, CATALOGUE, SESSIONS, needed, to_make

from ..synthesis import REPOSITORY


def test_with_a_way_out_nothing_is_needed() -> None:
    assert needed({AIRFLOW, CATALOGUE}, has_way_out=True) == ()


@pytest.mark.parametrize(
    ("parts", "services"),
    [
        (set(), ("kms",)),
        ({CATALOGUE}, ("glue", "kms")),
        ({SESSIONS}, ("kms", "ssm", "ssmmessages")),
        (
            {AIRFLOW},
            (
                *("airflow.api", "airflow.env", "airflow.ops", "ecr.api", "ecr.dkr", "kms", "logs", "monitoring"),
                *("secretsmanager", "sqs"),
            ),
        ),
    ],
)
def test_without_one_what_is_called_gets_an_endpoint(parts: set[str], services: tuple[str, ...]) -> None:
    """No cluster starts without KMS: its machines ask for the key of their own disks."""
    assert needed(parts, has_way_out=False) == services


def test_what_is_wanted_is_made_once() -> None:
    assert to_make(set(), has_way_out=False, wanted=("glue", "kms")) == ("glue", "kms")
    assert to_make(set(), has_way_out=True, wanted=("glue",)) == ("glue",)
    assert to_make(set(), has_way_out=True, wanted=()) == ()


def test_every_endpoint_has_a_reason_and_the_page_gives_it() -> None:
    page = (REPOSITORY / "docs" / "network.md").read_text(encoding="utf-8")

    for service, callers in endpoints.CALLERS.items():
        assert f"| `{service}` |" in page
        assert callers and all(caller.who and caller.why for caller in callers)


def test_what_hides_managed_scalings_endpoint_is_never_made() -> None:
    """A3."""
    assert endpoints.BREAKS_SCALING not in endpoints.INTERFACE
