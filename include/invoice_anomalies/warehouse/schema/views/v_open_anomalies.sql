-- What is there to check? (a view takes new columns only at its end)
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
    anomaly.history_tier,
    anomaly.history_rows,
    anomaly.model_version,
    anomaly.flagged_at,
    anomaly.rank_by_amount,
    anomaly.entity_name,
    anomaly.kind
FROM invoice_anomalies.anomalies AS anomaly
WHERE anomaly.status = 'open' AND ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;
COMMENT ON VIEW invoice_anomalies.v_open_anomalies IS 'Anomalies that nobody has judged yet, by the model version that speaks for their night.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.extract_date IS 'Night of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.rank_of_day IS 'Place among the anomalies of its night; 1 has the highest score.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.entity IS 'Whose invoice it is, usually the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.amount_at_risk IS 'Money at risk, in the currency of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.currency IS 'Currency of the amount.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.score IS 'How unusual the invoice is; higher is more unusual.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.threshold IS 'Score above which it was flagged.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.top_field IS 'Field that contributes most to the score.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.explanation IS 'Why it was flagged, in a sentence.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.history_tier IS 'How much was known of the entity before that night.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.history_rows IS 'Invoices of the entity that were known before that night.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.model_version IS 'Model version that flagged it.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.flagged_at IS 'When it was first flagged by this version.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.rank_by_amount IS 'Place among the anomalies of its night by money at risk; 1 has the most.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.entity_name IS 'Name of the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.kind IS 'Kind of finding, e.g. copy, slip, account; the words are those of anomalies.kind.';
