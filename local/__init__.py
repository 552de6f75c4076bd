"""One machine without Docker: an embedded Postgres, Airflow's environment, the demo.

Tests may import it; include/ and dags/ never do.
"""
