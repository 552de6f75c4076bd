-- Place of an anomaly in its night by money at risk, beside its place by score.
ALTER TABLE invoice_anomalies.anomalies ADD COLUMN rank_by_amount integer;
UPDATE invoice_anomalies.anomalies AS anomaly
SET rank_by_amount = ranked.place
FROM (
    SELECT
        invoice_key,
        model_version,
        row_number() OVER (
            PARTITION BY extract_date, model_version ORDER BY amount_at_risk DESC NULLS LAST, rank_of_day
        ) AS place
    FROM invoice_anomalies.anomalies
) AS ranked
WHERE ranked.invoice_key = anomaly.invoice_key AND ranked.model_version = anomaly.model_version;
ALTER TABLE invoice_anomalies.anomalies ALTER COLUMN rank_by_amount SET NOT NULL;
COMMENT ON COLUMN invoice_anomalies.anomalies.rank_by_amount IS 'Place among the anomalies of its night and version by money at risk; 1 has the most, those without an amount come last. Amounts of several currencies are compared as plain numbers.';

-- What is there to review this morning? (a view takes new columns only at its end)
CREATE OR REPLACE VIEW invoice_anomalies.v_open_anomalies AS
SELECT
    anomaly.extract_date,
    anomaly.rank_of_day,
    anomaly.invoice_key,
    anomaly.entity,
    anomaly.amount_at_risk,
    anomaly.currency,
    anomaly.score,
    anomaly.threshold,
    anomaly.top_field,
    anomaly.explanation,
    score.history_tier,
    score.history_rows,
    anomaly.model_version,
    anomaly.flagged_at,
    anomaly.rank_by_amount
FROM invoice_anomalies.anomalies AS anomaly
JOIN invoice_anomalies.night_versions USING (extract_date, model_version)
JOIN invoice_anomalies.scores AS score USING (invoice_key, model_version)
WHERE anomaly.status = 'open';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.rank_by_amount IS 'Place among the anomalies of its night by money at risk; 1 has the most.';

-- Why is an invoice on the list, field by field?
CREATE OR REPLACE VIEW invoice_anomalies.v_anomaly_fields AS
SELECT
    anomaly.extract_date,
    anomaly.rank_of_day,
    anomaly.invoice_key,
    anomaly.entity,
    anomaly.status,
    field.position,
    field.field,
    field.observed,
    field.expected,
    field.low,
    field.high,
    field.error,
    field.rarity,
    field.share,
    field.sentence,
    anomaly.model_version,
    anomaly.rank_by_amount,
    anomaly.amount_at_risk,
    anomaly.currency,
    score.history_tier,
    score.history_rows
FROM invoice_anomalies.anomaly_fields AS field
JOIN invoice_anomalies.anomalies AS anomaly USING (invoice_key, model_version)
JOIN invoice_anomalies.night_versions USING (extract_date, model_version)
JOIN invoice_anomalies.scores AS score USING (invoice_key, model_version);
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.rank_by_amount IS 'Place of the anomaly in its night by money at risk; 1 has the most.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.amount_at_risk IS 'Money at risk, in the currency of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.currency IS 'Currency of the amount.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.history_tier IS 'How much was known of the entity before that night.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.history_rows IS 'Invoices of the entity that were known before that night.';
