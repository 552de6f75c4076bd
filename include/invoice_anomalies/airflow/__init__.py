"""What the DAG files share, and the Airflow plugin: the only room that imports Airflow."""
