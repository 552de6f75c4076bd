-- Which anomalies have no score?
SELECT anomaly.invoice_key
FROM night_anomalies AS anomaly
WHERE NOT EXISTS (SELECT FROM night_scores AS score WHERE score.invoice_key = anomaly.invoice_key)
ORDER BY anomaly.invoice_key;
