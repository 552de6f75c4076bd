-- Which fields explain these anomalies?
SELECT invoice_key, field, position, observed, expected, low, high, error, rarity, share, sentence
FROM invoice_anomalies.anomaly_fields
WHERE model_version = %(version)s AND invoice_key = ANY(%(keys)s::text[])
ORDER BY invoice_key, position, field;
