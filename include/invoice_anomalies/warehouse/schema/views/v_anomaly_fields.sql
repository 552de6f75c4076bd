-- Why is an invoice on the list, field by field? (new columns come at the end: queries of BI go on)
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
    anomaly.history_tier,
    anomaly.history_rows,
    anomaly.entity_name,
    field.kind,
    field.observed_number,
    field.expected_number,
    field.low_number,
    field.high_number
FROM invoice_anomalies.anomaly_fields AS field
JOIN invoice_anomalies.anomalies AS anomaly USING (invoice_key, model_version)
WHERE ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;
COMMENT ON VIEW invoice_anomalies.v_anomaly_fields IS 'Fields that explain the anomalies, judged or not, by the model version that speaks for their night.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.extract_date IS 'Night of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.rank_of_day IS 'Place of the anomaly in its night; 1 has the highest score.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.entity IS 'Whose invoice it is, usually the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.status IS 'open, or the last verdict: confirmed, dismissed, normal.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.position IS 'Place among the fields of the anomaly; 1 contributes most.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.field IS 'Field of the contract.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.observed IS 'Value on the invoice, as text.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.expected IS 'Value expected, as text.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.low IS 'Lower end of what is usual, as text.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.high IS 'Upper end of what is usual, as text.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.error IS 'Surprise: -log10 of the share of normal invoices at least this far off.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.rarity IS 'One normal invoice in this many is at least this far off.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.share IS 'Part of the score that this field contributes, 0 to 1.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.sentence IS 'The field in words: observed, expected, how rare.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.model_version IS 'Model version that flagged it.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.rank_by_amount IS 'Place of the anomaly in its night by money at risk; 1 has the most.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.amount_at_risk IS 'Money at risk, in the currency of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.currency IS 'Currency of the amount.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.history_tier IS 'How much was known of the entity before that night.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.history_rows IS 'Invoices of the entity that were known before that night.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.entity_name IS 'Name of the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.kind IS 'Kind of finding in this field; the words are those of anomalies.kind.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.observed_number IS 'Value on the invoice, as a number; empty where the field is no number.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.expected_number IS 'Value expected, as a number; empty where the field is no number.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.low_number IS 'Lower end of what is usual, as a number; empty where the field is no number.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.high_number IS 'Upper end of what is usual, as a number; empty where the field is no number.';
