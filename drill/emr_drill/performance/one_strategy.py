"""The app with one strategy: the platform and active-passive, with policy checks unless told otherwise."""

from __future__ import annotations

import sys

from aws_cdk import App

from emr_dr.policy_checks import add_policy_checks
from emr_dr.settings import Settings
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

WITHOUT_CHECKS = "--without-checks"

if __name__ == "__main__":
    app = App()
    settings = Settings()
    ActivePassive(app, "ActivePassive", settings=settings, platform=Platform(app, "Platform", settings=settings))
    if WITHOUT_CHECKS not in sys.argv:
        add_policy_checks(app)
    app.synth()
