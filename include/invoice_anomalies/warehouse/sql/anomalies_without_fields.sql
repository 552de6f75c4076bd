-- Which anomalies have no field that explains them?
SELECT anomaly.invoice_key
FROM night_anomalies AS anomaly
WHERE NOT EXISTS (SELECT FROM night_fields AS field WHERE field.invoice_key = anomaly.invoice_key)
ORDER BY anomaly.invoice_key;
