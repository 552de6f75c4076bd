-- An extract came after all.
DELETE FROM invoice_anomalies.days_without_extract WHERE extract_date = %(extract_date)s;
