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
    PRIMARY KEY (invoice_key, field)
) ON COMMIT DROP;
-- A million rows are compared with the invoices by hashing, in memory: of rows that came a moment ago the planner knows
-- nothing, and would compare each with every other.
SET LOCAL work_mem TO '128MB';
SET LOCAL enable_nestloop TO off;
