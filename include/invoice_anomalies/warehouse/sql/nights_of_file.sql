-- Which nights hold rows of this file?
SELECT extract_date
FROM invoice_anomalies.validation_runs
WHERE current AND success AND rows_in > 0 AND file = %(file)s
ORDER BY extract_date;
