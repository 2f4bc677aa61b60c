"""The row of the fault table in which a certificate ends: a person is told, and nothing is failed over."""

from __future__ import annotations

from dr_core.metrics import CERTIFICATE_PROBLEMS
from emr_drill.faults.model import Act, Fault, Page, nothing
from emr_drill.faults.scene import Scene
from emr_drill.faults.traces import Trace

RENEWED_AFTER_SECONDS = 240.0


def _expire(scene: Scene) -> None:
    encryption = scene.stand_in.encryption
    assert encryption is not None, "the row has tls"
    encryption.expire(scene.stand_in)


def _renew(scene: Scene) -> None:
    encryption = scene.stand_in.encryption
    assert encryption is not None, "the row has tls"
    encryption.begin(scene.stand_in)


ROWS = (
    Fault(
        name="expired-certificate",
        acts=(
            Act(what="lets the front door's certificate end", do=_expire),
            Act(what="renews it", do=_renew, seconds=RENEWED_AFTER_SECONDS),
        ),
        expect=nothing(pages=(Page(metric=CERTIFICATE_PROBLEMS),)),
        must="a person is told which certificate it is; no operation begins, clients that look at certificates are "
        "refused until it is renewed, and no job is lost",
        notices="the probers, which look at the front door's certificate in every round",
        struck=(Trace(what="the front door shows another certificate", kind="certificate", like={"arn": "*"}),),
        tls=True,
    ),
)
