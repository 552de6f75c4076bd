-- The views that BI tools read: one a question. They take named columns only, so a new invoice column breaks none.

-- Which model version speaks for a night? The latest trained one that scored it; a rolled-back one only where no other did.
CREATE VIEW invoice_anomalies.night_versions AS
SELECT DISTINCT ON (run.extract_date) run.extract_date, run.model_version
FROM invoice_anomalies.scoring_runs AS run
JOIN invoice_anomalies.model_versions AS model ON model.version = run.model_version
ORDER BY run.extract_date, model.status = 'rejected', model.trained_until DESC, model.version DESC;
COMMENT ON VIEW invoice_anomalies.night_versions IS 'The model version that speaks for each night; the other views build on it.';
COMMENT ON COLUMN invoice_anomalies.night_versions.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.night_versions.model_version IS 'The latest trained model version that scored it.';

-- What is there to review this morning?
CREATE VIEW invoice_anomalies.v_open_anomalies AS
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
    anomaly.flagged_at
FROM invoice_anomalies.anomalies AS anomaly
JOIN invoice_anomalies.night_versions USING (extract_date, model_version)
JOIN invoice_anomalies.scores AS score USING (invoice_key, model_version)
WHERE anomaly.status = 'open';
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

-- Why is an invoice on the list, field by field?
CREATE VIEW invoice_anomalies.v_anomaly_fields AS
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
    anomaly.model_version
FROM invoice_anomalies.anomaly_fields AS field
JOIN invoice_anomalies.anomalies AS anomaly USING (invoice_key, model_version)
JOIN invoice_anomalies.night_versions USING (extract_date, model_version);
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

-- What happened each night?
CREATE VIEW invoice_anomalies.v_daily_summary AS
WITH night AS (
    SELECT
        extract_date,
        sum(rows_in - superseded)::integer AS rows_in,
        bool_and(success) AS success,
        max(validated_at) AS validated_at
    FROM invoice_anomalies.validation_runs
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
    run.scored_at
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
) AS found ON true;
COMMENT ON VIEW invoice_anomalies.v_daily_summary IS 'One row a night: what came, what became of it, what was found.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.success IS 'False: an extract of the night was refused.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.rows_in IS 'Rows in the extract.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.loaded IS 'Invoices loaded.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.quarantined IS 'Rows in quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.scored IS 'Invoices scored by the model version that speaks for the night.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.flagged IS 'Invoices flagged.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.open IS 'Flagged and not yet judged.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.confirmed IS 'Judged to be real anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.dismissed IS 'Judged not worth following.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.normal IS 'Judged normal.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.amount_at_risk IS 'Money of the open and confirmed anomalies; a plain sum where the currency is mixed.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.currency IS 'Currency of the anomalies; mixed where there are several.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.model_version IS 'Model version that speaks for the night; empty where it is not scored.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.validated_at IS 'When the extract was validated.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.scored_at IS 'When the scores were published.';

-- Which vendors carry the risk? (one row per vendor and currency: money of two currencies is never added)
CREATE VIEW invoice_anomalies.v_vendor_risk AS
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
JOIN invoice_anomalies.night_versions USING (extract_date, model_version)
GROUP BY anomaly.entity, anomaly.currency;
COMMENT ON VIEW invoice_anomalies.v_vendor_risk IS 'One row per entity (usually the vendor) and currency: its anomalies and the money at risk.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.entity IS 'The vendor, or whatever the contract names as entity.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.anomalies IS 'Invoices flagged.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.open IS 'Flagged and not yet judged.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.confirmed IS 'Judged to be real anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.cleared IS 'Dismissed or judged normal.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.amount_at_risk IS 'Money of the open and confirmed anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.highest_score IS 'Highest score among them.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.first_flagged IS 'First night with an anomaly.';
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.last_flagged IS 'Last night with an anomaly.';

-- Is the model still good?
CREATE VIEW invoice_anomalies.v_model_health AS
SELECT
    model.version AS model_version,
    model.status,
    model.trained_from,
    model.trained_until,
    model.rows AS training_rows,
    CASE WHEN jsonb_typeof(model.metrics -> 'precision') = 'number' THEN (model.metrics ->> 'precision')::float8 END
        AS precision,
    CASE WHEN jsonb_typeof(model.metrics -> 'recall') = 'number' THEN (model.metrics ->> 'recall')::float8 END AS recall,
    CASE WHEN jsonb_typeof(model.metrics -> 'f1') = 'number' THEN (model.metrics ->> 'f1')::float8 END AS f1,
    coalesce(run.nights, 0)::integer AS nights_scored,
    coalesce(run.scored, 0)::integer AS invoices_scored,
    coalesce(run.flagged, 0)::integer AS invoices_flagged,
    run.flagged::float8 / nullif(run.scored, 0) AS flagged_share,
    coalesce(judged.confirmed, 0)::integer AS confirmed,
    coalesce(judged.cleared, 0)::integer AS cleared,
    judged.confirmed::float8 / nullif(judged.confirmed + judged.cleared, 0) AS confirmed_share,
    model.registered_at,
    model.promoted_at
FROM invoice_anomalies.model_versions AS model
LEFT JOIN (
    SELECT model_version, count(*) AS nights, sum(scored) AS scored, sum(flagged) AS flagged
    FROM invoice_anomalies.scoring_runs
    GROUP BY model_version
) AS run ON run.model_version = model.version
LEFT JOIN (
    SELECT
        model_version,
        count(*) FILTER (WHERE status = 'confirmed') AS confirmed,
        count(*) FILTER (WHERE status IN ('dismissed', 'normal')) AS cleared
    FROM invoice_anomalies.anomalies
    GROUP BY model_version
) AS judged ON judged.model_version = model.version;
COMMENT ON VIEW invoice_anomalies.v_model_health IS 'One row per model version: its evaluation, what it flagged, and what the reviewers said of that.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.model_version IS 'Name of the model version.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.status IS 'champion, challenger, rejected or retired.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.trained_from IS 'First extract date of the training window.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.trained_until IS 'Last extract date that the model knows.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.training_rows IS 'Invoices it was trained on.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.precision IS 'Precision on planted anomalies in the evaluation; empty where not measured.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.recall IS 'Recall on planted anomalies in the evaluation; empty where not measured.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.f1 IS 'F1 on planted anomalies in the evaluation; empty where not measured.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.nights_scored IS 'Nights it scored.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.invoices_scored IS 'Invoices it scored.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.invoices_flagged IS 'Invoices it flagged.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.flagged_share IS 'Share of its invoices that it flagged, 0 to 1.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.confirmed IS 'Flagged and judged to be real anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.cleared IS 'Flagged and dismissed or judged normal.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.confirmed_share IS 'Confirmed among the judged, 0 to 1; empty where nobody has judged.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.registered_at IS 'When the version was registered.';
COMMENT ON COLUMN invoice_anomalies.v_model_health.promoted_at IS 'When it first became champion.';

-- How good is the data that we are sent?
CREATE VIEW invoice_anomalies.v_data_quality AS
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
    run.validated_at
FROM invoice_anomalies.validation_runs AS run
LEFT JOIN LATERAL (
    SELECT reason, count(*)::integer AS rows
    FROM invoice_anomalies.quarantined_invoices AS quarantined, unnest(quarantined.reasons) AS reason
    WHERE quarantined.extract_date = run.extract_date AND quarantined.file = run.file
    GROUP BY reason
    ORDER BY rows DESC, reason
    LIMIT 1
) AS worst ON true;
COMMENT ON VIEW invoice_anomalies.v_data_quality IS 'One row per validated extract: how much of it was fit, and what was wrong with the rest.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.extract_date IS 'Night of the extract.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.file IS 'Where the extract lay.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.success IS 'False: the night was refused as a whole.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.rows_in IS 'Rows in the extract.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.valid IS 'Rows loaded.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.quarantined IS 'Rows sent to quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.quarantined_share IS 'Share of the rows sent to quarantine, 0 to 1.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.top_reason IS 'Most frequent reason for quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.top_reason_rows IS 'Rows with that reason.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.problems IS 'Why the night was refused, joined by semicolons; empty where it was not.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.warnings IS 'Broken rules that only warn, joined by semicolons.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.data_docs IS 'Path of the Data Docs page of this validation.';
COMMENT ON COLUMN invoice_anomalies.v_data_quality.validated_at IS 'When the extract was validated.';
