-- Which model may judge this night? The latest that was ever champion, was not rolled back, and did not see the night.
SELECT version, status, trained_from, trained_until, rows, metrics, artefact, checksum
FROM invoice_anomalies.model_versions
WHERE promoted_at IS NOT NULL AND status <> 'rejected' AND trained_until < %(extract_date)s
ORDER BY trained_until DESC, version DESC
LIMIT 1;
