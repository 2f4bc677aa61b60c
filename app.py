"""The app: reads the settings, defines the stacks, adds the policy checks, synthesizes.  Composition only."""

from __future__ import annotations

import os
import sys

from aws_cdk import App

from emr_dr.airflow_packages import PackageError
from emr_dr.policy_checks import add_policy_checks
from emr_dr.settings_errors import SettingsError
from emr_dr.settings_file import load_settings
from stacks.active_active import ActiveActive
from stacks.active_passive import ActivePassive
from stacks.platform import Platform

# Set by the CDK's command line where it has credentials.
ACCOUNT_VARIABLE = "CDK_DEFAULT_ACCOUNT"


def main() -> int | str:
    """Write the cloud assembly; the exit status, or what is wrong with the settings or missing for them."""
    app = App()
    try:
        settings = load_settings(app.node.get_all_context(), account=os.environ.get(ACCOUNT_VARIABLE) or None)
    except SettingsError as error:
        return str(error)
    try:
        platform = Platform(app, "Platform", settings=settings)
    except PackageError as error:
        return str(error)
    ActiveActive(app, "ActiveActive", settings=settings, platform=platform)
    ActivePassive(app, "ActivePassive", settings=settings, platform=platform)
    add_policy_checks(app)
    app.synth()
    return 0


if __name__ == "__main__":
    sys.exit(main())
