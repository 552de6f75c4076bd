-- Has the night been loaded, or refused, or had it no extract? (no row: none of them)
SELECT CASE WHEN run.success THEN 'loaded' WHEN NOT run.success THEN 'refused' ELSE 'no extract' END
FROM (
    SELECT bool_or(success) AS success FROM invoice_anomalies.validation_runs
    WHERE extract_date = %(extract_date)s AND current
) AS run
WHERE run.success IS NOT NULL
    OR EXISTS (SELECT FROM invoice_anomalies.days_without_extract WHERE extract_date = %(extract_date)s);
