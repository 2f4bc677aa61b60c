"""CDK constructs of emr-dr, one idea for each module."""
