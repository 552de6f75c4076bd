-- What was flagged in this night by this version, the most unusual first?
SELECT
    anomaly.invoice_key, anomaly.extract_date, anomaly.model_version, anomaly.rank_of_day, anomaly.score,
    anomaly.threshold, anomaly.amount_at_risk::float8, anomaly.currency, anomaly.entity, anomaly.top_field,
    anomaly.explanation, anomaly.status, score.history_tier, score.history_rows, anomaly.rank_by_amount,
    anomaly.entity_name, anomaly.kind
FROM invoice_anomalies.anomalies AS anomaly
JOIN invoice_anomalies.scores AS score USING (invoice_key, model_version)
WHERE anomaly.extract_date = %(extract_date)s AND anomaly.model_version = %(version)s
ORDER BY anomaly.rank_of_day
LIMIT %(limit)s;
