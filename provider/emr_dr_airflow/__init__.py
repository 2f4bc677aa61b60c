"""Airflow operator, hook and trigger for Livy behind emr-dr's front door.

``LivyOperator`` with the same arguments, and right through the failures that the front door hides or tells of.  What
is decided stands in :mod:`emr_dr_airflow.decisions`, without Airflow; the modules beside it do what it says.
"""

__version__ = "0.1.0"
