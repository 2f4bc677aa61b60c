"""Repair: mend an incarnation in place, instead of replacing it."""

from __future__ import annotations

from dr_core.requests import Kind
from failover.calls import OperationCall, StepAnswer, done, failed


def repair(call: OperationCall) -> StepAnswer:
    """Nothing is mended in place: a failover replaces the incarnation."""
    if call.request.kind is Kind.REPAIR:
        return failed("this version cannot repair in place: start a failover instead")
    return done("not mended in place: the incarnation is replaced")
