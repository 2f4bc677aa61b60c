"""Clients that nobody here wrote, as users have them: Airflow's ``LivyOperator``, a Livy client from PyPI, and curl.

They are installed in environments of their own (:mod:`emr_drill.clients.environments`), each job of a drill is given
to one of them (:mod:`emr_drill.clients.flow`), and what they believe of it in the end is compared with the ledger, and
with what every Livy server itself says of its batches (:mod:`emr_drill.clients.judgement`).
"""
