-- Which other file holds the rows of this night? (none: no row)
SELECT file
FROM invoice_anomalies.validation_runs
WHERE extract_date = %(extract_date)s AND current AND success AND rows_in > 0 AND file <> %(file)s
ORDER BY file
LIMIT 1;
