-- Which other night has these very rows?
SELECT extract_date, file
FROM invoice_anomalies.validation_runs
WHERE content = %(content)s AND extract_date <> %(extract_date)s AND current AND success
ORDER BY extract_date
LIMIT 1;
