-- Which of these invoices has another night loaded already?
SELECT night.line, invoice.extract_date
FROM night_invoices AS night
JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
WHERE invoice.extract_date <> %(extract_date)s
ORDER BY night.line;
