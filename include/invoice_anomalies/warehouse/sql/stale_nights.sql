-- Which nights, from this one on, are scored on invoices that changed since?
SELECT extract_date FROM invoice_anomalies.stale_nights WHERE extract_date >= %(first)s ORDER BY extract_date;
