"""Active-active: two managed clusters in two AZs, both in service; one goes on while the other is mended."""

from __future__ import annotations

from constructs import Construct

from emr_dr.settings import Settings
from stacks.deployment import Deployment
from stacks.platform import Platform
from stacks.strategy import Strategy

# Slots: the two incarnations in service, the one that is verified, and four that end: both may move twice, as they do
# where a change is taken back, while the first of them still end their jobs.
ACTIVE_ACTIVE = Strategy(name="active-active", managed_clusters=("a", "b"), slots=7)


class ActiveActive(Deployment):
    """The deployment of the strategy :data:`ACTIVE_ACTIVE`."""

    def __init__(self, scope: Construct, construct_id: str, *, settings: Settings, platform: Platform) -> None:
        """Define the deployment.

        Args:
            scope: the app.
            construct_id: id, and so the stack's name.
            settings: the settings.
            platform: what the deployment stands on.
        """
        super().__init__(scope, construct_id, strategy=ACTIVE_ACTIVE, settings=settings, platform=platform)
