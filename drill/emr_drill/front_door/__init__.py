"""What both load balancers do with a connection: rules, health, propagation and the sockets themselves.

Nothing here knows the AWS API; ``emr_drill.stand_in.load_balancers`` turns what was called there into the values of
:mod:`emr_drill.front_door.model`.
"""
