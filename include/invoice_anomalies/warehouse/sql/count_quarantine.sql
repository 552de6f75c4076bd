-- How many rows of this night are in quarantine?
SELECT count(*) FROM invoice_anomalies.quarantined_invoices WHERE extract_date = %(extract_date)s;
