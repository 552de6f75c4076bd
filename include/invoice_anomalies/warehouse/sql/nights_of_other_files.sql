-- Which nights hold rows of another file, and which file is it?
SELECT extract_date, min(file)
FROM invoice_anomalies.validation_runs
WHERE current AND success AND rows_in > 0 AND file <> %(file)s
GROUP BY extract_date;
