-- Is the model still good?
CREATE OR REPLACE VIEW invoice_anomalies.v_model_health AS
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
