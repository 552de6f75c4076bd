-- What people look at: names and kinds beside numbers, money by currency, and a view for each list that is asked for.

ALTER TABLE invoice_anomalies.anomalies ADD COLUMN entity_name text, ADD COLUMN kind text;
COMMENT ON COLUMN invoice_anomalies.anomalies.entity_name IS 'Name of the entity, usually the vendor, as on the invoice; empty where the contract names no field for it.';
COMMENT ON COLUMN invoice_anomalies.anomalies.kind IS 'What kind of finding it is, that of the first of its fields: copy (booked before under this or nearly this number), split (with others just below an approval limit), burst (one of far more invoices than usual in a night), slip (a value mistyped: decimal point, digits exchanged, sign, year, day and month), vendor (new, or not expected with the other fields), or else what is not usual: amount, quantity, tax, arithmetic (fields that do not fit each other), date, number, account, terms, currency, category, text. Empty where it was flagged before this column was there.';
ALTER TABLE invoice_anomalies.anomaly_fields ADD COLUMN kind text;
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.kind IS 'What kind of finding it is in this field; the words are those of anomalies.kind.';

-- What a vendor's invoices add up to is counted when they are loaded, not when somebody asks. Which columns of
-- `invoices` that takes, the contract says: sql/count_vendors.sql is made for it.
CREATE TABLE invoice_anomalies.vendor_totals (
    entity text NOT NULL,
    currency text NOT NULL,
    entity_name text,
    invoices integer NOT NULL,
    amount numeric NOT NULL,
    extract_date date NOT NULL,
    PRIMARY KEY (entity, currency)
);
COMMENT ON TABLE invoice_anomalies.vendor_totals IS 'What the loaded invoices of an entity (usually the vendor) add up to, one row for each currency. Kept by triggers of invoices.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.entity IS 'The entity; an empty text where an invoice names none.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.currency IS 'Currency of the amount; an empty text where an invoice or the contract names none.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.entity_name IS 'Its name on the invoices loaded last.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.invoices IS 'Invoices loaded.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.amount IS 'Their amounts added up, credit notes taken off.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.extract_date IS 'Last night that has an invoice of it.';

-- What is there to check? (a view takes new columns only at its end)
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
    anomaly.rank_by_amount,
    anomaly.entity_name,
    anomaly.kind
FROM invoice_anomalies.anomalies AS anomaly
WHERE anomaly.status = 'open' AND ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.entity_name IS 'Name of the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_open_anomalies.kind IS 'Kind of finding, e.g. copy, slip, account; the words are those of anomalies.kind.';

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
    anomaly.history_rows,
    anomaly.entity_name,
    field.kind
FROM invoice_anomalies.anomaly_fields AS field
JOIN invoice_anomalies.anomalies AS anomaly USING (invoice_key, model_version)
WHERE ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE;
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.entity_name IS 'Name of the vendor.';
COMMENT ON COLUMN invoice_anomalies.v_anomaly_fields.kind IS 'Kind of finding in this field; the words are those of anomalies.kind.';

-- What was ever found, and what was said of it?
CREATE VIEW invoice_anomalies.v_anomalies AS
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

-- How much money is it each night? (one row per night and currency: money of two currencies is never added)
CREATE VIEW invoice_anomalies.v_night_currency AS
SELECT
    anomaly.extract_date,
    anomaly.currency,
    count(*)::integer AS flagged,
    (count(*) FILTER (WHERE anomaly.status = 'open'))::integer AS open,
    (count(*) FILTER (WHERE anomaly.status = 'confirmed'))::integer AS confirmed,
    (count(*) FILTER (WHERE anomaly.status = 'dismissed'))::integer AS dismissed,
    (count(*) FILTER (WHERE anomaly.status = 'normal'))::integer AS normal,
    coalesce(sum(anomaly.amount_at_risk) FILTER (WHERE anomaly.status IN ('open', 'confirmed')), 0) AS amount_at_risk,
    coalesce(sum(anomaly.amount_at_risk) FILTER (WHERE anomaly.status = 'open'), 0) AS amount_open,
    anomaly.model_version
FROM invoice_anomalies.anomalies AS anomaly
WHERE ((anomaly.extract_date, anomaly.model_version) IN (
    SELECT extract_date, model_version FROM invoice_anomalies.night_versions
)) IS TRUE
GROUP BY anomaly.extract_date, anomaly.currency, anomaly.model_version;
COMMENT ON VIEW invoice_anomalies.v_night_currency IS 'One row per night and currency with anomalies: how many, and how much money.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.currency IS 'Currency of the amounts; empty where the contract names none.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.flagged IS 'Invoices flagged.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.open IS 'Flagged and not yet judged.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.confirmed IS 'Judged to be real anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.dismissed IS 'Judged not worth following.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.normal IS 'Judged normal.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.amount_at_risk IS 'Money of the open and confirmed anomalies.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.amount_open IS 'Money of the open anomalies alone.';
COMMENT ON COLUMN invoice_anomalies.v_night_currency.model_version IS 'Model version that speaks for the night.';

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
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.success IS 'False: no extract of the night was accepted, or the one that was is refused now.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.rows_in IS 'Rows in the extract that counts: the accepted one; of a night that never was accepted, the one refused last.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.amount_at_risk IS 'Money of the open and confirmed anomalies; empty where the night''s anomalies are of several currencies: v_night_currency has it for each.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.currency IS 'Currency of the anomalies; empty where there are several.';
COMMENT ON COLUMN invoice_anomalies.v_daily_summary.refused IS 'Extracts of the night that were refused and not replaced since; their rows count nowhere.';

-- Which vendors carry the risk?
CREATE OR REPLACE VIEW invoice_anomalies.v_vendor_risk AS
SELECT
    risk.entity,
    risk.currency,
    risk.anomalies,
    risk.open,
    risk.confirmed,
    risk.cleared,
    risk.amount_at_risk,
    risk.highest_score,
    risk.first_flagged,
    risk.last_flagged,
    total.entity_name
FROM (
    SELECT
        anomaly.entity,
        anomaly.currency,
        count(*)::integer AS anomalies,
        (count(*) FILTER (WHERE anomaly.status = 'open'))::integer AS open,
        (count(*) FILTER (WHERE anomaly.status = 'confirmed'))::integer AS confirmed,
        (count(*) FILTER (WHERE anomaly.status IN ('dismissed', 'normal')))::integer AS cleared,
        coalesce(sum(anomaly.amount_at_risk) FILTER (WHERE anomaly.status IN ('open', 'confirmed')), 0)
            AS amount_at_risk,
        max(anomaly.score) AS highest_score,
        min(anomaly.extract_date) AS first_flagged,
        max(anomaly.extract_date) AS last_flagged
    FROM invoice_anomalies.anomalies AS anomaly
    WHERE ((anomaly.extract_date, anomaly.model_version) IN (
        SELECT extract_date, model_version FROM invoice_anomalies.night_versions
    )) IS TRUE
    GROUP BY anomaly.entity, anomaly.currency
) AS risk
LEFT JOIN invoice_anomalies.vendor_totals AS total
    ON total.entity = coalesce(risk.entity, '') AND total.currency = coalesce(risk.currency, '');
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.entity_name IS 'Name of the vendor, on the invoices loaded last.';

-- Who sends invoices, and how much?
CREATE VIEW invoice_anomalies.v_vendors AS
SELECT
    nullif(total.entity, '') AS entity,
    total.entity_name,
    nullif(total.currency, '') AS currency,
    total.invoices,
    total.amount,
    total.extract_date
FROM invoice_anomalies.vendor_totals AS total;
COMMENT ON VIEW invoice_anomalies.v_vendors IS 'One row per vendor (or whatever the contract names as entity) and currency: invoices loaded and what they add up to.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.entity IS 'Number of the vendor; empty for invoices that name none.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.entity_name IS 'Name of the vendor, on the invoices loaded last.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.currency IS 'Currency of the amount; empty where there is none.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.invoices IS 'Invoices loaded.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.amount IS 'Their amounts added up, credit notes taken off.';
COMMENT ON COLUMN invoice_anomalies.v_vendors.extract_date IS 'Last night that has an invoice of it.';

-- Which rows were not loaded, and why?
CREATE VIEW invoice_anomalies.v_quarantine AS
SELECT
    quarantined.extract_date,
    quarantined.file,
    quarantined.line,
    quarantined.reasons[1] AS top_reason,
    array_to_string(quarantined.reasons, '; ') AS reasons,
    quarantined.raw,
    quarantined.invoice_key,
    quarantined.quarantined_at
FROM invoice_anomalies.quarantined_invoices AS quarantined;
COMMENT ON VIEW invoice_anomalies.v_quarantine IS 'Rows in quarantine, one row each: where the row stood, why it was not loaded, and the row as it came.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.extract_date IS 'Night whose extract delivered the row.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.file IS 'Extract that delivered the row.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.line IS 'Place of the row in its file.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.top_reason IS 'First of the reasons.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.reasons IS 'All reasons, one for each broken rule.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.raw IS 'The row as it came, as JSON text.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.invoice_key IS 'The invoice of an earlier night that the row repeats; empty where the row broke a rule.';
COMMENT ON COLUMN invoice_anomalies.v_quarantine.quarantined_at IS 'When the row was first quarantined, or last changed.';
