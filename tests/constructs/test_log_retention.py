"""Retention of log groups."""

from __future__ import annotations

from typing import get_args

import pytest
from aws_cdk import Stack
from aws_cdk import aws_logs as logs

from emr_dr.log_retention import log_retention
from emr_dr.settings import LogRetentionDays

from ..synthesis import new_app, resources, templates


def test_every_number_of_days_that_settings_allow_is_what_a_log_group_gets(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    app = new_app(tmp_path_factory.mktemp("retention"))
    stack = Stack(app, "Stack")
    for days in get_args(LogRetentionDays):
        logs.LogGroup(stack, f"Days{days}", retention=log_retention(days))

    groups = resources(templates(app)["Stack"], "AWS::Logs::LogGroup")

    assert sorted(group["RetentionInDays"] for group in groups.values()) == sorted(get_args(LogRetentionDays))
