"""The smallest CDK app in Python: what synthesis costs before anything of ours."""

from __future__ import annotations

from aws_cdk import App, Stack

if __name__ == "__main__":
    app = App()
    Stack(app, "Empty")
    app.synth()
