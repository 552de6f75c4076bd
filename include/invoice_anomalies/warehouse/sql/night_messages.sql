-- What did the validation of this night say?
SELECT file, success, problems, warnings, data_docs
FROM invoice_anomalies.validation_runs
WHERE extract_date = %(extract_date)s
ORDER BY file;
