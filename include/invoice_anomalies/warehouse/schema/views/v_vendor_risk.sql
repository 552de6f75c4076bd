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
COMMENT ON COLUMN invoice_anomalies.v_vendor_risk.entity_name IS 'Name of the vendor, on the invoices loaded last.';
