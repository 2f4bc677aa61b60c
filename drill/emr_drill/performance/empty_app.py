"""The smallest CDK app in Python that can be deployed: what synthesis costs before anything of ours."""

from __future__ import annotations

from aws_cdk import App, CfnWaitConditionHandle, Stack

if __name__ == "__main__":
    app = App()
    # CloudFormation takes no template without a resource, and the CDK's own validation refuses one; this makes nothing.
    CfnWaitConditionHandle(Stack(app, "Empty"), "Nothing")
    app.synth()
