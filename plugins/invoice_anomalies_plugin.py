"""Airflow finds its plugins in this folder; the plugin itself is in the package."""

from invoice_anomalies.airflow.plugin import InvoiceAnomaliesPlugin

__all__ = ["InvoiceAnomaliesPlugin"]
