-- Publish the fields that explain the anomalies.
INSERT INTO invoice_anomalies.anomaly_fields (
    invoice_key, model_version, field, position, observed, expected, low, high, error, rarity, share, sentence,
    kind
)
SELECT
    night.invoice_key, %(version)s, night.field, night.position, night.observed, night.expected, night.low, night.high,
    night.error, night.rarity, night.share, night.sentence, night.kind
FROM night_fields AS night
ON CONFLICT (invoice_key, model_version, field) DO UPDATE
SET position = excluded.position, observed = excluded.observed, expected = excluded.expected, low = excluded.low,
    high = excluded.high, error = excluded.error, rarity = excluded.rarity, share = excluded.share,
    sentence = excluded.sentence, kind = excluded.kind;
