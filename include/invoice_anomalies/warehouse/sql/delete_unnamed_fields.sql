-- Which fields explain an anomaly of this night and version no longer?
DELETE FROM invoice_anomalies.anomaly_fields AS kept
USING night_anomalies AS anomaly
WHERE kept.invoice_key = anomaly.invoice_key
    AND kept.model_version = %(version)s
    AND NOT EXISTS (
        SELECT FROM night_fields AS night WHERE night.invoice_key = kept.invoice_key AND night.field = kept.field
    );
