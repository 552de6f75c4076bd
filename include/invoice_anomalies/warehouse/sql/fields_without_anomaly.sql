-- Which fields explain an invoice that is not flagged?
SELECT DISTINCT field.invoice_key
FROM night_fields AS field
WHERE NOT EXISTS (SELECT FROM night_anomalies AS anomaly WHERE anomaly.invoice_key = field.invoice_key)
ORDER BY field.invoice_key;
