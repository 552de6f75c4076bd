-- Which scores belong to no loaded invoice of the night?
SELECT night.invoice_key
FROM night_scores AS night
WHERE NOT EXISTS (
    SELECT FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.invoice_key = night.invoice_key AND invoice.extract_date = %(extract_date)s
)
ORDER BY night.invoice_key;
