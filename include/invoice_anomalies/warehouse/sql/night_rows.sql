-- How many invoices has the night?
SELECT count(*) FROM invoice_anomalies.invoices WHERE extract_date = %(extract_date)s;
