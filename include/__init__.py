"""The pipeline, plain Python that runs without Airflow: extract, validation, warehouse, detection, reporting."""
