-- How much money is it each night? (one row per night and currency: money of two currencies is never added)
CREATE OR REPLACE VIEW invoice_anomalies.v_night_currency AS
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
