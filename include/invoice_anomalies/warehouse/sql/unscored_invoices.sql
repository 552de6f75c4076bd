-- Which loaded invoices have no score?
SELECT invoice.invoice_key
FROM invoice_anomalies.invoices AS invoice
WHERE invoice.extract_date = %(extract_date)s
    AND NOT EXISTS (SELECT FROM night_scores AS night WHERE night.invoice_key = invoice.invoice_key)
ORDER BY invoice.invoice_key;
