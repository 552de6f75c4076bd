-- Publish the anomalies. A known one keeps its status; a new one takes the last verdict on its invoice, by whichever
-- version it was flagged then: what was judged normal stays silent when the next model flags it again. A verdict on
-- values that a correction has changed since says nothing of the new ones.
INSERT INTO invoice_anomalies.anomalies AS kept (
    invoice_key, model_version, extract_date, rank_of_day, score, threshold, amount_at_risk, currency, entity,
    top_field, explanation, status, rank_by_amount, history_tier, history_rows, entity_name, kind
)
SELECT
    night.invoice_key, %(version)s, %(extract_date)s, night.rank_of_day, night.score, night.threshold,
    night.amount_at_risk, night.currency, night.entity, night.top_field, night.explanation,
    coalesce(
        (
            SELECT review.verdict FROM invoice_anomalies.reviews AS review
            WHERE review.invoice_key = night.invoice_key
                AND review.reviewed_at >= (
                    SELECT invoice.loaded_at FROM invoice_anomalies.invoices AS invoice
                    WHERE invoice.invoice_key = night.invoice_key
                )
            ORDER BY review.id DESC
            LIMIT 1
        ),
        'open'
    ),
    night.rank_by_amount, score.history_tier, score.history_rows, night.entity_name, night.kind
FROM night_anomalies AS night
JOIN night_scores AS score USING (invoice_key)
ON CONFLICT (invoice_key, model_version) DO UPDATE
SET extract_date = excluded.extract_date, rank_of_day = excluded.rank_of_day, score = excluded.score,
    threshold = excluded.threshold, amount_at_risk = excluded.amount_at_risk, currency = excluded.currency,
    entity = excluded.entity, top_field = excluded.top_field, explanation = excluded.explanation,
    rank_by_amount = excluded.rank_by_amount, history_tier = excluded.history_tier,
    history_rows = excluded.history_rows, entity_name = excluded.entity_name, kind = excluded.kind;
