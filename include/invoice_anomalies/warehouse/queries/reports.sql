-- What mails and the demo tell, and which alerts were sent.

-- name: night_anomalies
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

-- name: fields_of_anomalies
-- Which fields explain these anomalies?
SELECT invoice_key, field, position, observed, expected, low, high, error, rarity, share, sentence
FROM invoice_anomalies.anomaly_fields
WHERE model_version = %(version)s AND invoice_key = ANY(%(keys)s::text[])
ORDER BY invoice_key, position, field;

-- name: open_before
-- What of earlier nights is still to be judged, by currency?
SELECT currency, count(*), coalesce(sum(amount_at_risk), 0)::float8, min(extract_date)
FROM invoice_anomalies.v_open_anomalies
WHERE extract_date < %(extract_date)s
GROUP BY currency
ORDER BY currency;

-- name: last_nights
-- What happened in this night and the ones before it?
SELECT * FROM invoice_anomalies.v_daily_summary
WHERE extract_date <= %(extract_date)s
ORDER BY extract_date DESC
LIMIT %(nights)s;

-- name: night_messages
-- What did the validation of this night say?
SELECT file, success, problems, warnings, data_docs
FROM invoice_anomalies.validation_runs
WHERE extract_date = %(extract_date)s
ORDER BY file;

-- name: quarantine_reasons
-- Why were rows of this night quarantined, the most frequent reason first?
SELECT reason, count(*)::integer AS rows
FROM invoice_anomalies.quarantined_invoices, unnest(reasons) AS reason
WHERE extract_date = %(extract_date)s
GROUP BY reason
ORDER BY rows DESC, reason;

-- name: alert_sent
-- Was this very alert sent before?
SELECT EXISTS (SELECT FROM invoice_anomalies.alerts WHERE digest = %(digest)s);

-- name: record_alert
-- Note that an alert was sent.
INSERT INTO invoice_anomalies.alerts (extract_date, model_version, channel, anomalies, digest)
VALUES (%(extract_date)s, %(version)s, %(channel)s, %(anomalies)s::text[], %(digest)s)
ON CONFLICT (digest) DO NOTHING;
