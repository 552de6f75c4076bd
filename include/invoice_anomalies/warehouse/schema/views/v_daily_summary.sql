-- What happened each night? The rows are those of the extract that counts: a refused one beside it adds none. Money is
-- told where it is of one currency; of several it would be a sum of nothing.
CREATE OR REPLACE VIEW invoice_anomalies.v_daily_summary AS
WITH night AS (
    SELECT
        extract_date,
        bool_or(success) AS success,
        sum(rows_in) FILTER (WHERE success)::integer AS accepted,
        sum(valid) FILTER (WHERE success)::integer AS valid,
        (array_agg(rows_in ORDER BY validated_at DESC, file))[1] AS last_rows,
        count(*) FILTER (WHERE NOT success)::integer AS refused,
        coalesce(max(validated_at) FILTER (WHERE success), max(validated_at)) AS validated_at
    FROM invoice_anomalies.validation_runs
    WHERE current
    GROUP BY extract_date
)
SELECT
    night.extract_date,
    night.success,
    -- Where the extract was accepted before and is refused now, what was loaded of it stays, and so do its rows.
    coalesce(night.accepted, nullif(held.loaded + held.quarantined, 0), night.last_rows)::integer AS rows_in,
    held.loaded,
    held.quarantined,
    coalesce(run.scored, 0) AS scored,
    coalesce(found.flagged, 0)::integer AS flagged,
    coalesce(found.open, 0)::integer AS open,
    coalesce(found.confirmed, 0)::integer AS confirmed,
    coalesce(found.dismissed, 0)::integer AS dismissed,
    coalesce(found.normal, 0)::integer AS normal,
    CASE WHEN found.several THEN NULL ELSE coalesce(found.amount_at_risk, 0) END AS amount_at_risk,
    CASE WHEN NOT found.several THEN found.currency END AS currency,
    run.model_version,
    night.validated_at,
    run.scored_at,
    stale.extract_date IS NOT NULL AS stale,
    night.refused
FROM night
CROSS JOIN LATERAL (
    SELECT
        CASE
            WHEN night.success THEN night.valid
            ELSE (
                SELECT count(*) FROM invoice_anomalies.invoices AS invoice
                WHERE invoice.extract_date = night.extract_date
            )::integer
        END AS loaded,
        coalesce(
            (
                SELECT sum(counted.rows) FROM invoice_anomalies.quarantine_counts AS counted
                WHERE counted.extract_date = night.extract_date
            ),
            0
        )::integer AS quarantined
) AS held
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
        max(anomaly.currency) AS currency,
        -- An amount without a currency is none of the others' either.
        min(coalesce(anomaly.currency, '')) < max(coalesce(anomaly.currency, '')) AS several
    FROM invoice_anomalies.anomalies AS anomaly
    WHERE anomaly.extract_date = run.extract_date AND anomaly.model_version = run.model_version
) AS found ON true
LEFT JOIN invoice_anomalies.stale_nights AS stale ON stale.extract_date = night.extract_date;
COMMENT ON VIEW invoice_anomalies.v_daily_summary IS 'One row a night: what came, what became of it, what was found.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.success IS 'False: no extract of the night was accepted, or the one that was is refused now.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.rows_in IS 'Rows in the extract that counts: the accepted one; of a night that never was accepted, the one refused last.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.loaded IS 'Invoices loaded.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.quarantined IS 'Rows in quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.scored IS 'Invoices scored by the model version that speaks for the night.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.flagged IS 'Invoices flagged.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.open IS 'Flagged and not yet judged.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.confirmed IS 'Judged to be real anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.dismissed IS 'Judged not worth following.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.normal IS 'Judged normal.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.amount_at_risk IS 'Money of the open and confirmed anomalies; empty where the night''s anomalies are of several currencies: v_night_currency has it for each.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.currency IS 'Currency of the anomalies; empty where there are several.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.model_version IS 'Model version that speaks for the night; empty where it is not scored.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.validated_at IS 'When the extract was validated.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.scored_at IS 'When the scores were published.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.stale IS 'True: invoices that the scores rest on changed since; the night is to be scored again.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.refused IS 'Extracts of the night that were refused and not replaced since; their rows count nowhere.';
