"""The fault matrix of Airflow's operators: what becomes of a task, and of its job, whatever fails on the way."""
