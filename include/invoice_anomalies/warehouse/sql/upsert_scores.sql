-- Publish the scores; one that did not change is not touched. (by key: the index then grows page by page, in less than
-- half the time)
INSERT INTO invoice_anomalies.scores AS kept
    (invoice_key, model_version, extract_date, score, threshold, history_tier, history_rows)
SELECT
    night.invoice_key, %(version)s, %(extract_date)s, night.score, night.threshold, night.history_tier,
    night.history_rows
FROM night_scores AS night
ORDER BY night.invoice_key
ON CONFLICT (invoice_key, model_version) DO UPDATE
SET extract_date = excluded.extract_date, score = excluded.score, threshold = excluded.threshold,
    history_tier = excluded.history_tier, history_rows = excluded.history_rows, scored_at = now()
WHERE (kept.extract_date, kept.score, kept.threshold, kept.history_tier, kept.history_rows)
    IS DISTINCT FROM (
        excluded.extract_date, excluded.score, excluded.threshold, excluded.history_tier, excluded.history_rows
    );
