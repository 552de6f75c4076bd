-- Which rows were not loaded, and why?
CREATE OR REPLACE VIEW invoice_anomalies.v_quarantine AS
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
