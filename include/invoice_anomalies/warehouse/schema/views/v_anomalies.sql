-- What was ever found, and what was said of it?
CREATE OR REPLACE VIEW invoice_anomalies.v_anomalies AS
SELECT
    anomaly.extract_date,
    anomaly.rank_of_day,
    anomaly.invoice_key,
    anomaly.entity,
    anomaly.entity_name,
    anomaly.kind,
    anomaly.status,
    anomaly.amount_at_risk,
    anomaly.currency,
    anomaly.score,
    anomaly.threshold,
    anomaly.top_field,
    anomaly.explanation,
    -- One by one, so that nothing is looked up for a column that nobody asks for.
    (
        SELECT review.verdict FROM invoice_anomalies.reviews AS review
        WHERE review.invoice_key = anomaly.invoice_key
        ORDER BY review.id DESC
        LIMIT 1
    ) AS verdict,
    (
        SELECT review.reviewer FROM invoice_anomalies.reviews AS review
        WHERE review.invoice_key = anomaly.invoice_key
        ORDER BY review.id DESC
        LIMIT 1
    ) AS reviewer,
    (
        SELECT review.reviewed_at FROM invoice_anomalies.reviews AS review
        WHERE review.invoice_key = anomaly.invoice_key
        ORDER BY review.id DESC
        LIMIT 1
    ) AS reviewed_at,
    anomaly.flagged_at,
    anomaly.history_tier,
    anomaly.history_rows,
    anomaly.model_version
FROM invoice_anomalies.anomalies AS anomaly
WHERE ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;
COMMENT ON VIEW invoice_anomalies.v_anomalies IS 'All anomalies, judged or not, by the model version that speaks for their night, with the last verdict.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.extract_date IS 'Night of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.rank_of_day IS 'Place among the anomalies of its night; 1 has the highest score.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.entity IS 'Whose invoice it is, usually the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.entity_name IS 'Name of the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.kind IS 'Kind of finding, e.g. copy, slip, account; the words are those of anomalies.kind.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.status IS 'open, confirmed, dismissed or normal.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.amount_at_risk IS 'Money at risk, in the currency of the invoice.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.currency IS 'Currency of the amount.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.score IS 'How unusual the invoice is; higher is more unusual.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.threshold IS 'Score above which it was flagged.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.top_field IS 'Field that the explanation begins with.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.explanation IS 'Why it was flagged, in a sentence.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.verdict IS 'Last verdict on the invoice; empty where nobody has judged. The status is open again where a correction changed the invoice since.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.reviewer IS 'Who gave that verdict.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.reviewed_at IS 'When.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.flagged_at IS 'When it was first flagged by this version.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.history_tier IS 'How much was known of the entity before that night.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.history_rows IS 'Invoices of the entity that were known before that night.';
COMMENT ON COLUMN invoice_anomalies.v_anomalies.model_version IS 'Model version that flagged it.';
