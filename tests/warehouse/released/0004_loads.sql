-- A night is one extract: which loads changed it, which of its extracts is the one that counts, and which nights were
-- scored before something that they rest on changed.

ALTER TABLE invoice_anomalies.invoices ADD COLUMN line integer;
-- Of what was loaded before, no line is known: counted by key.
UPDATE invoice_anomalies.invoices AS invoice
SET line = placed.place
FROM (
    SELECT invoice_key, row_number() OVER (PARTITION BY extract_date ORDER BY invoice_key COLLATE "C") AS place
    FROM invoice_anomalies.invoices
) AS placed
WHERE placed.invoice_key = invoice.invoice_key;
ALTER TABLE invoice_anomalies.invoices ALTER COLUMN line SET NOT NULL;
-- The night alone is asked for; the file is no part of any question.
DROP INDEX invoice_anomalies.invoices_night;
CREATE INDEX invoices_night ON invoice_anomalies.invoices (extract_date);
COMMENT ON COLUMN invoice_anomalies.invoices.file IS 'Extract that delivered the invoice last.';
COMMENT ON COLUMN invoice_anomalies.invoices.line IS 'Place of the invoice in that file.';
COMMENT ON COLUMN invoice_anomalies.invoices.loaded_at IS 'When the invoice was first loaded, or its values were last changed by a corrected extract.';

ALTER TABLE invoice_anomalies.quarantined_invoices ADD COLUMN invoice_key text;
CREATE INDEX quarantined_by_key ON invoice_anomalies.quarantined_invoices (invoice_key) WHERE invoice_key IS NOT NULL;
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.invoice_key IS 'The invoice of an earlier night that the row repeats; empty where the row broke a rule.';

ALTER TABLE invoice_anomalies.validation_runs ADD COLUMN current boolean NOT NULL DEFAULT true;
COMMENT ON COLUMN invoice_anomalies.validation_runs.current IS 'False: another extract of the same night was loaded since and took its place.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.superseded IS 'Rows that are in no table any more, since another extract of the night took the place of this one: all of them or 0.';
-- Extracts of one night stood beside each other before; the rows of each are still there.
UPDATE invoice_anomalies.validation_runs SET rows_in = rows_in - superseded, valid = valid - superseded, superseded = 0
WHERE superseded > 0;

CREATE TABLE invoice_anomalies.loads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_date date NOT NULL,
    file text NOT NULL,
    added integer NOT NULL,
    changed integer NOT NULL,
    removed integer NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX loads_night ON invoice_anomalies.loads (extract_date, id);
COMMENT ON TABLE invoice_anomalies.loads IS 'Loads that changed the invoices of a night, one row each: the first one, and every correction. Append-only, the audit trail.';
COMMENT ON COLUMN invoice_anomalies.loads.id IS 'Number of the load, in order of publishing.';
COMMENT ON COLUMN invoice_anomalies.loads.extract_date IS 'Night whose invoices changed.';
COMMENT ON COLUMN invoice_anomalies.loads.file IS 'Extract that changed them; of another night where it delivered, earlier, an invoice that this night held.';
COMMENT ON COLUMN invoice_anomalies.loads.added IS 'Invoices that the night did not have before.';
COMMENT ON COLUMN invoice_anomalies.loads.changed IS 'Invoices whose values changed.';
COMMENT ON COLUMN invoice_anomalies.loads.removed IS 'Invoices that the night has no longer.';
COMMENT ON COLUMN invoice_anomalies.loads.loaded_at IS 'When.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_anomalies.loads
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.refuse_change();
CREATE OR REPLACE FUNCTION invoice_anomalies.refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% are append-only; add a new row instead of changing an old one', TG_TABLE_NAME;
END
$$;

ALTER TABLE invoice_anomalies.scoring_runs
    ADD COLUMN known_load bigint NOT NULL DEFAULT 0,
    ADD COLUMN history_from date NOT NULL DEFAULT '0001-01-01';
-- What is there already counts as loaded, once a night, and all scores as knowing it.
INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed)
SELECT extract_date, max(file), count(*), 0, 0 FROM invoice_anomalies.invoices GROUP BY extract_date ORDER BY extract_date;
UPDATE invoice_anomalies.scoring_runs
SET known_load = (SELECT coalesce(max(id), 0) FROM invoice_anomalies.loads);
COMMENT ON COLUMN invoice_anomalies.scoring_runs.known_load IS 'Last load that the scores know of.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.history_from IS 'First night that the scores rest on.';

-- Which scored nights rest on invoices that changed since?
CREATE VIEW invoice_anomalies.stale_nights AS
SELECT run.extract_date, run.model_version, newest.id AS newest_load
FROM invoice_anomalies.scoring_runs AS run
JOIN invoice_anomalies.night_versions USING (extract_date, model_version)
CROSS JOIN LATERAL (
    SELECT max(load.id) AS id
    FROM invoice_anomalies.loads AS load
    WHERE load.extract_date BETWEEN run.history_from AND run.extract_date AND load.id > run.known_load
) AS newest
WHERE newest.id IS NOT NULL;
COMMENT ON VIEW invoice_anomalies.stale_nights IS 'Nights whose scores rest on invoices that changed since: to be scored again. Usually empty.';
COMMENT ON COLUMN invoice_anomalies.stale_nights.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.stale_nights.model_version IS 'Model version that speaks for it.';
COMMENT ON COLUMN invoice_anomalies.stale_nights.newest_load IS 'Last load that changed what the scores rest on.';

-- What happened each night?
CREATE OR REPLACE VIEW invoice_anomalies.v_daily_summary AS
WITH night AS (
    SELECT
        extract_date,
        sum(rows_in)::integer AS rows_in,
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
    (
        SELECT count(*) FROM invoice_anomalies.invoices AS invoice WHERE invoice.extract_date = night.extract_date
    )::integer AS loaded,
    (
        SELECT count(*) FROM invoice_anomalies.quarantined_invoices AS quarantined
        WHERE quarantined.extract_date = night.extract_date
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
        CASE WHEN count(DISTINCT anomaly.currency) > 1 THEN 'mixed' ELSE max(anomaly.currency) END AS currency
    FROM invoice_anomalies.anomalies AS anomaly
    WHERE anomaly.extract_date = run.extract_date AND anomaly.model_version = run.model_version
) AS found ON true
LEFT JOIN invoice_anomalies.stale_nights AS stale ON stale.extract_date = night.extract_date;
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.stale IS 'True: invoices that the scores rest on changed since; the night is to be scored again.';

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
    worst.reason AS top_reason,
    worst.rows AS top_reason_rows,
    array_to_string(run.problems, '; ') AS problems,
    array_to_string(run.warnings, '; ') AS warnings,
    run.data_docs,
    run.validated_at,
    run.current,
    coalesce(corrected.times, 0)::integer AS corrections,
    corrected.last_at AS last_corrected_at
FROM invoice_anomalies.validation_runs AS run
LEFT JOIN LATERAL (
    SELECT reason, count(*)::integer AS rows
    FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
    WHERE quarantined.extract_date = run.extract_date AND quarantined.file = run.file
    GROUP BY reason
    ORDER BY rows DESC, reason
    LIMIT 1
) AS worst ON true
LEFT JOIN (
    SELECT later.extract_date, count(*) AS times, max(later.loaded_at) AS last_at
    FROM invoice_anomalies.loads AS later
    WHERE EXISTS (
        SELECT FROM invoice_anomalies.loads AS first
        WHERE first.extract_date = later.extract_date AND first.id < later.id
    )
    GROUP BY later.extract_date
) AS corrected ON corrected.extract_date = run.extract_date;
COMMENT ON COLUMN invoice_anomalies.v_data_quality.current IS 'False: another extract of the same night took the place of this one.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.corrections IS 'How often the loaded invoices of the night were changed later.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.last_corrected_at IS 'When they were changed last; empty where they never were.';
