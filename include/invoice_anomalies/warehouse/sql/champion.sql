-- Which model is the champion?
SELECT version, status, trained_from, trained_until, rows, metrics, artefact, checksum
FROM invoice_anomalies.model_versions
WHERE status = 'champion';
