"""Puts files into the bucket that Airflow reads: DAGs, requirements and plugins."""
