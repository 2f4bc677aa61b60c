"""Looks at the services of every live incarnation from one availability zone, and does there what needs the VPC."""
