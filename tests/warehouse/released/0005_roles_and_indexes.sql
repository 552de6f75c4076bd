-- Who may do what is in sql/grant_roles.sql, which runs after every migration. Here: what makes a verdict safe.

-- The reviewer is the login, whatever role it has set; sent by a review page, it is the person that the page knows.
ALTER TABLE invoice_anomalies.reviews ALTER COLUMN reviewer SET DEFAULT session_user;
ALTER TABLE invoice_anomalies.reviews ADD COLUMN recorded_by text;
ALTER TABLE invoice_anomalies.reviews ALTER COLUMN recorded_by SET DEFAULT session_user;
COMMENT ON COLUMN invoice_anomalies.reviews.reviewer IS 'Who judged: the login that recorded the verdict, or whom the review page names.';
COMMENT ON COLUMN invoice_anomalies.reviews.recorded_by IS 'Login that recorded the verdict; empty where that was before this column was there.';

-- With the rights of the owner: a reviewer may judge, and change nothing else of an anomaly.
CREATE FUNCTION invoice_anomalies.record_verdict() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    -- Together with other verdicts, but not while anomalies are published: those would not know of this one.
    PERFORM pg_advisory_xact_lock_shared(hashtext('invoice_anomalies'), hashtext('reviews'));
    IF NOT EXISTS (
        SELECT FROM invoice_anomalies.anomalies AS anomaly
        WHERE anomaly.invoice_key = NEW.invoice_key AND anomaly.model_version = NEW.model_version
    ) THEN
        -- Else an invoice could be called normal before it was ever flagged.
        RAISE foreign_key_violation USING MESSAGE = format(
            'invoice %s is no anomaly by model version %s; a verdict is about an anomaly that is there, see v_anomaly_fields',
            NEW.invoice_key, NEW.model_version
        );
    END IF;
    -- By whichever version it was flagged, as upsert_anomalies.sql does for versions to come.
    UPDATE invoice_anomalies.anomalies AS anomaly
    SET status = NEW.verdict
    WHERE anomaly.invoice_key = NEW.invoice_key AND anomaly.status <> NEW.verdict;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.record_verdict() IS 'Gives the anomalies of a judged invoice the verdict as their status.';
CREATE TRIGGER record_verdict AFTER INSERT ON invoice_anomalies.reviews
    FOR EACH ROW EXECUTE FUNCTION invoice_anomalies.record_verdict();

CREATE FUNCTION invoice_anomalies.wait_for_verdicts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('reviews'));
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.wait_for_verdicts() IS 'Lets verdicts that are being recorded end first, and later ones wait, while anomalies are published.';
CREATE TRIGGER wait_for_verdicts BEFORE INSERT OR DELETE ON invoice_anomalies.anomalies
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.wait_for_verdicts();

-- A verdict is about the values that were judged: where a corrected extract changes them, the anomaly is open again.
CREATE FUNCTION invoice_anomalies.reopen_changed() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    UPDATE invoice_anomalies.anomalies AS anomaly
    SET status = 'open'
    FROM before JOIN changed USING (invoice_key)
    WHERE anomaly.invoice_key = changed.invoice_key
        AND changed.loaded_at > before.loaded_at
        AND anomaly.status <> 'open';
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.reopen_changed() IS 'Opens the anomalies of invoices whose values have changed.';
CREATE TRIGGER reopen_changed AFTER UPDATE ON invoice_anomalies.invoices
    REFERENCING OLD TABLE AS before NEW TABLE AS changed
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.reopen_changed();

-- Everybody may call a new function unless told otherwise.
REVOKE ALL ON FUNCTION invoice_anomalies.refuse_change(), invoice_anomalies.record_verdict(),
    invoice_anomalies.wait_for_verdicts(), invoice_anomalies.reopen_changed() FROM PUBLIC;

-- What dashboards ask is answered from tables that grow with the anomalies and the nights, not with the invoices
-- (benchmarks/bi_views.py measures it; docs/decisions/0011-no-partitions.md).

ALTER TABLE invoice_anomalies.anomalies ADD COLUMN history_tier text, ADD COLUMN history_rows integer;
COMMENT ON COLUMN invoice_anomalies.anomalies.history_tier IS 'How much was known of the entity before that night, as in scores.';
COMMENT ON COLUMN invoice_anomalies.anomalies.history_rows IS 'Invoices of the entity that were known before that night, as in scores.';
UPDATE invoice_anomalies.anomalies AS anomaly
SET history_tier = score.history_tier, history_rows = score.history_rows
FROM invoice_anomalies.scores AS score
WHERE score.invoice_key = anomaly.invoice_key AND score.model_version = anomaly.model_version;
-- Everything about a vendor, without the wide rows themselves.
CREATE INDEX anomalies_entity ON invoice_anomalies.anomalies (entity, currency)
    INCLUDE (extract_date, model_version, status, amount_at_risk, score);
-- Nobody asks for the scores of a night but by the keys of its invoices.
DROP INDEX invoice_anomalies.scores_night;

CREATE TABLE invoice_anomalies.quarantine_counts (
    extract_date date NOT NULL,
    file text NOT NULL,
    rows integer NOT NULL,
    top_reason text,
    top_reason_rows integer,
    PRIMARY KEY (extract_date, file)
);
COMMENT ON TABLE invoice_anomalies.quarantine_counts IS 'Extracts with rows in quarantine, one row each: how many, and why most of them. Kept by triggers of quarantined_invoices.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.extract_date IS 'Night of the extract.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.file IS 'Where the extract lay.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.rows IS 'Its rows in quarantine.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.top_reason IS 'Most frequent reason.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.top_reason_rows IS 'Rows with that reason.';

-- With the rights of the owner, so that nobody else writes to the counts.
CREATE FUNCTION invoice_anomalies.count_quarantine() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    DELETE FROM invoice_anomalies.quarantine_counts AS kept
    USING (SELECT DISTINCT extract_date, file FROM touched) AS extract
    WHERE kept.extract_date = extract.extract_date AND kept.file = extract.file;

    INSERT INTO invoice_anomalies.quarantine_counts (extract_date, file, rows, top_reason, top_reason_rows)
    SELECT extract.extract_date, extract.file, held.rows, worst.reason, worst.rows
    FROM (SELECT DISTINCT extract_date, file FROM touched) AS extract
    CROSS JOIN LATERAL (
        SELECT count(*) AS rows
        FROM invoice_anomalies.quarantined_invoices AS quarantined
        WHERE quarantined.extract_date = extract.extract_date AND quarantined.file = extract.file
    ) AS held
    LEFT JOIN LATERAL (
        SELECT reason, count(*) AS rows
        FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
        WHERE quarantined.extract_date = extract.extract_date AND quarantined.file = extract.file
        GROUP BY reason
        ORDER BY rows DESC, reason
        LIMIT 1
    ) AS worst ON true
    WHERE held.rows > 0;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION invoice_anomalies.count_quarantine() IS 'Counts the quarantine of the extracts whose rows a statement touched.';
REVOKE ALL ON FUNCTION invoice_anomalies.count_quarantine() FROM PUBLIC;
CREATE TRIGGER count_inserted AFTER INSERT ON invoice_anomalies.quarantined_invoices
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_quarantine();
CREATE TRIGGER count_changed AFTER UPDATE ON invoice_anomalies.quarantined_invoices
    REFERENCING NEW TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_quarantine();
CREATE TRIGGER count_deleted AFTER DELETE ON invoice_anomalies.quarantined_invoices
    REFERENCING OLD TABLE AS touched FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_quarantine();
INSERT INTO invoice_anomalies.quarantine_counts (extract_date, file, rows, top_reason, top_reason_rows)
SELECT extract.extract_date, extract.file, held.rows, worst.reason, worst.rows
FROM (SELECT DISTINCT extract_date, file FROM invoice_anomalies.quarantined_invoices) AS extract
CROSS JOIN LATERAL (
    SELECT count(*) AS rows
    FROM invoice_anomalies.quarantined_invoices AS quarantined
    WHERE quarantined.extract_date = extract.extract_date AND quarantined.file = extract.file
) AS held
LEFT JOIN LATERAL (
    SELECT reason, count(*) AS rows
    FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
    WHERE quarantined.extract_date = extract.extract_date AND quarantined.file = extract.file
    GROUP BY reason
    ORDER BY rows DESC, reason
    LIMIT 1
) AS worst ON true
WHERE held.rows > 0;

-- The views say what they said before, with the same columns. "IS TRUE" keeps the look-up of a night's version what it
-- is: as a join on two columns it would be taken for one that leaves a row in a hundred, and planned accordingly.

-- What is there to review this morning?
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
    anomaly.rank_by_amount
FROM invoice_anomalies.anomalies AS anomaly
WHERE anomaly.status = 'open' AND ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;

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
    anomaly.history_tier,
    anomaly.history_rows
FROM invoice_anomalies.anomaly_fields AS field
JOIN invoice_anomalies.anomalies AS anomaly USING (invoice_key, model_version)
WHERE ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;

-- What happened each night?
CREATE OR REPLACE VIEW invoice_anomalies.v_daily_summary AS
WITH night AS (
    SELECT
        extract_date,
        sum(rows_in)::integer AS rows_in,
        sum(valid)::integer AS valid,
        bool_and(success) AS success,
        max(validated_at) AS validated_at
    FROM invoice_anomalies.validation_runs
    WHERE current
    GROUP BY extract_date
)
SELECT
    night.extract_date,
    night.success,
    night.rows_in,
    -- A refused night says nothing of what an earlier extract loaded for it, and which stays.
    CASE
        WHEN night.success THEN night.valid
        ELSE (
            SELECT count(*) FROM invoice_anomalies.invoices AS invoice WHERE invoice.extract_date = night.extract_date
        )::integer
    END AS loaded,
    coalesce(
        (
            SELECT sum(counted.rows) FROM invoice_anomalies.quarantine_counts AS counted
            WHERE counted.extract_date = night.extract_date
        ),
        0
    )::integer AS quarantined,
    coalesce(run.scored, 0) AS scored,
    coalesce(found.flagged, 0)::integer AS flagged,
    coalesce(found.open, 0)::integer AS open,
    coalesce(found.confirmed, 0)::integer AS confirmed,
    coalesce(found.dismissed, 0)::integer AS dismissed,
    coalesce(found.normal, 0)::integer AS normal,
    coalesce(found.amount_at_risk, 0) AS amount_at_risk,
    found.currency,
    run.model_version,
    night.validated_at,
    run.scored_at,
    stale.extract_date IS NOT NULL AS stale
FROM night
LEFT JOIN invoice_anomalies.night_versions AS speaking ON speaking.extract_date = night.extract_date
LEFT JOIN invoice_anomalies.scoring_runs AS run
    ON run.extract_date = speaking.extract_date AND run.model_version = speaking.model_version
LEFT JOIN LATERAL (
    SELECT
        count(*) AS flagged,
        count(*) FILTER (WHERE anomaly.status = 'open') AS open,
        count(*) FILTER (WHERE anomaly.status = 'confirmed') AS confirmed,
        count(*) FILTER (WHERE anomaly.status = 'dismissed') AS dismissed,
        count(*) FILTER (WHERE anomaly.status = 'normal') AS normal,
        sum(anomaly.amount_at_risk) FILTER (WHERE anomaly.status IN ('open', 'confirmed')) AS amount_at_risk,
        CASE WHEN min(anomaly.currency) < max(anomaly.currency) THEN 'mixed' ELSE max(anomaly.currency) END AS currency
    FROM invoice_anomalies.anomalies AS anomaly
    WHERE anomaly.extract_date = run.extract_date AND anomaly.model_version = run.model_version
) AS found ON true
LEFT JOIN invoice_anomalies.stale_nights AS stale ON stale.extract_date = night.extract_date;

-- Which vendors carry the risk? (one row per vendor and currency: money of two currencies is never added)
CREATE OR REPLACE VIEW invoice_anomalies.v_vendor_risk AS
SELECT
    anomaly.entity,
    anomaly.currency,
    count(*)::integer AS anomalies,
    (count(*) FILTER (WHERE anomaly.status = 'open'))::integer AS open,
    (count(*) FILTER (WHERE anomaly.status = 'confirmed'))::integer AS confirmed,
    (count(*) FILTER (WHERE anomaly.status IN ('dismissed', 'normal')))::integer AS cleared,
    coalesce(sum(anomaly.amount_at_risk) FILTER (WHERE anomaly.status IN ('open', 'confirmed')), 0) AS amount_at_risk,
    max(anomaly.score) AS highest_score,
    min(anomaly.extract_date) AS first_flagged,
    max(anomaly.extract_date) AS last_flagged
FROM invoice_anomalies.anomalies AS anomaly
WHERE ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE
GROUP BY anomaly.entity, anomaly.currency;

-- How good is what comes?
CREATE OR REPLACE VIEW invoice_anomalies.v_data_quality AS
SELECT
    run.extract_date,
    run.file,
    run.success,
    run.rows_in,
    run.valid,
    run.quarantined,
    run.quarantined::float8 / nullif(run.rows_in, 0) AS quarantined_share,
    counted.top_reason,
    counted.top_reason_rows,
    array_to_string(run.problems, '; ') AS problems,
    array_to_string(run.warnings, '; ') AS warnings,
    run.data_docs,
    run.validated_at,
    run.current,
    coalesce(corrected.times, 0)::integer AS corrections,
    corrected.last_at AS last_corrected_at
FROM invoice_anomalies.validation_runs AS run
LEFT JOIN invoice_anomalies.quarantine_counts AS counted
    ON counted.extract_date = run.extract_date AND counted.file = run.file
LEFT JOIN (
    SELECT later.extract_date, count(*) AS times, max(later.loaded_at) AS last_at
    FROM invoice_anomalies.loads AS later
    WHERE EXISTS (
        SELECT FROM invoice_anomalies.loads AS first
        WHERE first.extract_date = later.extract_date AND first.id < later.id
    )
    GROUP BY later.extract_date
) AS corrected ON corrected.extract_date = run.extract_date;
