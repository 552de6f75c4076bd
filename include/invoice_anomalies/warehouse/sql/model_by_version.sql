-- Which model has this name?
SELECT version, status, trained_from, trained_until, rows, metrics, artefact, checksum
FROM invoice_anomalies.model_versions
WHERE version = %(version)s;
