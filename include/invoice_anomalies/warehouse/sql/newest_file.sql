-- Which extract speaks for the night? (no row: none)
SELECT file FROM invoice_anomalies.validation_runs
WHERE extract_date = %(extract_date)s AND current
ORDER BY success DESC, validated_at DESC
LIMIT 1;
