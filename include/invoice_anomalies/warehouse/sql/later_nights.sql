-- Is there a later night?
SELECT EXISTS (SELECT FROM invoice_anomalies.invoices WHERE extract_date > %(extract_date)s);
