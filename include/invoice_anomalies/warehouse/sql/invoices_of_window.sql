-- Which invoices came in these nights?
SELECT invoice_key, extract_date, {fields}
FROM invoice_anomalies.invoices AS invoice
WHERE extract_date >= %(since)s AND extract_date < %(before)s
ORDER BY extract_date, invoice_key COLLATE "C"
