-- How many invoices has this extract in the table?
SELECT count(*) FROM invoice_anomalies.invoices WHERE extract_date = %(extract_date)s AND file = %(file)s;
