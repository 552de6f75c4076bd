-- Which anomalies of this night and version are flagged no longer? They go, with their fields; reviews stay.
DELETE FROM invoice_anomalies.anomalies AS kept
WHERE kept.extract_date = %(extract_date)s
    AND kept.model_version = %(version)s
    AND NOT EXISTS (SELECT FROM night_anomalies AS night WHERE night.invoice_key = kept.invoice_key);
