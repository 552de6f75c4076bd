-- What was flagged in this night by this version, the most unusual first?
SELECT
    invoice_key, extract_date, model_version, rank_of_day, score, threshold, amount_at_risk::float8, currency, entity,
    top_field, explanation, status
FROM invoice_anomalies.anomalies
WHERE extract_date = %(extract_date)s AND model_version = %(version)s
ORDER BY rank_of_day
LIMIT %(limit)s;
