"""What is decided about a job: pure, without Airflow, network, clock or chance.

Each flow is a generator.  It yields a step (:class:`~emr_dr_airflow.decisions.wire.Ask`, ``Wait`` or ``Say``), is sent
what came of it, and returns what it found.  The hook carries flows out with ``requests``, the trigger with
``aiohttp``, the tests with a made-up front door: the decisions are the same.
"""
