-- How many rows of this extract are in quarantine?
SELECT count(*) FROM invoice_anomalies.quarantined_invoices WHERE extract_date = %(extract_date)s AND file = %(file)s;
