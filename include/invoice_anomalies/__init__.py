"""Anomalies in invoices: extract, validation, warehouse, detection, reporting; Airflow only in `airflow`."""
