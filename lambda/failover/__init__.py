"""Carries out the steps of operations and retirements, and answers CloudFormation."""
