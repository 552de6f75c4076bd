-- Why had the night no extract?
SELECT reason FROM invoice_anomalies.days_without_extract WHERE extract_date = %(extract_date)s;
