-- Record that the night had no extract, unless one came.
INSERT INTO invoice_anomalies.days_without_extract (extract_date, reason)
SELECT %(extract_date)s, %(reason)s
WHERE NOT EXISTS (
    SELECT FROM invoice_anomalies.validation_runs WHERE extract_date = %(extract_date)s AND current
)
ON CONFLICT (extract_date) DO NOTHING;
