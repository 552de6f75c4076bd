-- The scores of a night, with its anomalies and their fields.

-- name: make_score_tables
-- Where do scores, anomalies and their fields wait until they are checked?
-- (a key that comes twice among the scores is refused when they are published)
DROP TABLE IF EXISTS pg_temp.night_scores, pg_temp.night_anomalies, pg_temp.night_fields;
CREATE TEMPORARY TABLE night_scores (
    invoice_key text NOT NULL,
    score double precision NOT NULL,
    threshold double precision NOT NULL,
    history_tier text NOT NULL,
    history_rows integer NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE night_anomalies (
    invoice_key text PRIMARY KEY,
    rank_of_day integer NOT NULL,
    rank_by_amount integer NOT NULL,
    score double precision NOT NULL,
    threshold double precision NOT NULL,
    amount_at_risk numeric,
    currency text,
    entity text,
    top_field text NOT NULL,
    explanation text NOT NULL,
    entity_name text,
    kind text
) ON COMMIT DROP;
CREATE TEMPORARY TABLE night_fields (
    invoice_key text NOT NULL,
    field text NOT NULL,
    position integer NOT NULL,
    observed text,
    expected text,
    low text,
    high text,
    error double precision NOT NULL,
    rarity double precision NOT NULL,
    share double precision NOT NULL,
    sentence text NOT NULL,
    kind text,
    observed_number double precision,
    expected_number double precision,
    low_number double precision,
    high_number double precision,
    PRIMARY KEY (invoice_key, field)
) ON COMMIT DROP;
-- A million rows are compared with the invoices by hashing, in memory: of rows that came a moment ago the planner knows
-- nothing, and would compare each with every other.
SET LOCAL work_mem TO '128MB';
SET LOCAL enable_nestloop TO off;

-- name: match_scores
-- Does every invoice of the night have its score, and every score its invoice? (both hold where the three are equal)
ANALYZE night_scores;
SELECT
    (SELECT count(*) FROM night_scores),
    (SELECT count(*) FROM invoice_anomalies.invoices WHERE extract_date = %(extract_date)s),
    (
        SELECT count(*)
        FROM night_scores
        JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
        WHERE invoice.extract_date = %(extract_date)s
    );

-- name: unscored_invoices
-- Which loaded invoices have no score?
SELECT invoice.invoice_key
FROM invoice_anomalies.invoices AS invoice
WHERE invoice.extract_date = %(extract_date)s
    AND NOT EXISTS (SELECT FROM night_scores AS night WHERE night.invoice_key = invoice.invoice_key)
ORDER BY invoice.invoice_key;

-- name: scores_without_invoice
-- Which scores belong to no loaded invoice of the night?
SELECT night.invoice_key
FROM night_scores AS night
WHERE NOT EXISTS (
    SELECT FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.invoice_key = night.invoice_key AND invoice.extract_date = %(extract_date)s
)
ORDER BY night.invoice_key;

-- name: anomalies_without_score
-- Which anomalies have no score?
SELECT anomaly.invoice_key
FROM night_anomalies AS anomaly
WHERE NOT EXISTS (SELECT FROM night_scores AS score WHERE score.invoice_key = anomaly.invoice_key)
ORDER BY anomaly.invoice_key;

-- name: anomalies_without_fields
-- Which anomalies have no field that explains them?
SELECT anomaly.invoice_key
FROM night_anomalies AS anomaly
WHERE NOT EXISTS (SELECT FROM night_fields AS field WHERE field.invoice_key = anomaly.invoice_key)
ORDER BY anomaly.invoice_key;

-- name: fields_without_anomaly
-- Which fields explain an invoice that is not flagged?
SELECT DISTINCT field.invoice_key
FROM night_fields AS field
WHERE NOT EXISTS (SELECT FROM night_anomalies AS anomaly WHERE anomaly.invoice_key = field.invoice_key)
ORDER BY field.invoice_key;

-- name: upsert_scoring_run
-- Record that a version scored the night, and what it knew.
INSERT INTO invoice_anomalies.scoring_runs AS run
    (extract_date, model_version, scored, flagged, known_load, history_from)
VALUES (%(extract_date)s, %(version)s, %(scored)s, %(flagged)s, %(known_load)s, %(history_from)s)
ON CONFLICT (extract_date, model_version) DO UPDATE
SET scored = excluded.scored, flagged = excluded.flagged, known_load = excluded.known_load,
    history_from = excluded.history_from,
    scored_at = CASE
        WHEN (run.scored, run.flagged) IS DISTINCT FROM (excluded.scored, excluded.flagged) THEN now()
        ELSE run.scored_at
    END;

-- name: upsert_scores
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

-- name: delete_unflagged_anomalies
-- Which anomalies of this night and version are flagged no longer? They go, with their fields; reviews stay.
DELETE FROM invoice_anomalies.anomalies AS kept
WHERE kept.extract_date = %(extract_date)s
    AND kept.model_version = %(version)s
    AND NOT EXISTS (SELECT FROM night_anomalies AS night WHERE night.invoice_key = kept.invoice_key);

-- name: upsert_anomalies
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

-- name: delete_unnamed_fields
-- Which fields explain an anomaly of this night and version no longer?
DELETE FROM invoice_anomalies.anomaly_fields AS kept
USING night_anomalies AS anomaly
WHERE kept.invoice_key = anomaly.invoice_key
    AND kept.model_version = %(version)s
    AND NOT EXISTS (
        SELECT FROM night_fields AS night WHERE night.invoice_key = kept.invoice_key AND night.field = kept.field
    );

-- name: upsert_fields
-- Publish the fields that explain the anomalies.
INSERT INTO invoice_anomalies.anomaly_fields (
    invoice_key, model_version, field, position, observed, expected, low, high, error, rarity, share, sentence,
    kind, observed_number, expected_number, low_number, high_number
)
SELECT
    night.invoice_key, %(version)s, night.field, night.position, night.observed, night.expected, night.low, night.high,
    night.error, night.rarity, night.share, night.sentence, night.kind, night.observed_number, night.expected_number,
    night.low_number, night.high_number
FROM night_fields AS night
ON CONFLICT (invoice_key, model_version, field) DO UPDATE
SET position = excluded.position, observed = excluded.observed, expected = excluded.expected, low = excluded.low,
    high = excluded.high, error = excluded.error, rarity = excluded.rarity, share = excluded.share,
    sentence = excluded.sentence, kind = excluded.kind, observed_number = excluded.observed_number,
    expected_number = excluded.expected_number, low_number = excluded.low_number, high_number = excluded.high_number;

-- name: nights_to_score_again
-- Which nights between these are scored on invoices that changed since, by which load, and did their own invoices change?
SELECT
    stale.extract_date,
    stale.newest_load,
    EXISTS (
        SELECT FROM invoice_anomalies.loads AS load
        WHERE load.extract_date = stale.extract_date
            AND load.id > run.known_load
            AND load.added + load.changed > 0
    ) AS own
FROM invoice_anomalies.stale_nights AS stale
JOIN invoice_anomalies.scoring_runs AS run USING (extract_date, model_version)
WHERE stale.extract_date >= %(first)s
ORDER BY stale.extract_date;
