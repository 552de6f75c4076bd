-- Which nights have invoices of this history from another file, on another day than the history, and how many?
SELECT invoice.extract_date, min(invoice.file), count(DISTINCT invoice_key) AS rows
FROM history_keys AS history
JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
WHERE invoice.file <> %(file)s AND invoice.extract_date <> history.extract_date
GROUP BY invoice.extract_date
ORDER BY rows DESC, invoice.extract_date;
