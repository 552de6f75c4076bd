-- Which nights were taken back, by whom and why?
CREATE OR REPLACE VIEW invoice_anomalies.v_withdrawals AS
SELECT extract_date, invoices, quarantined, anomalies, given_back, reason, taken_by, taken_at
FROM invoice_anomalies.withdrawals;
COMMENT ON VIEW invoice_anomalies.v_withdrawals IS 'Nights that were taken back: by whom, why, and what was removed.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.extract_date IS 'Night that was taken back.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.invoices IS 'Invoices that were removed, with their scores.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.quarantined IS 'Rows that were removed from quarantine.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.anomalies IS 'Invoices among them that were flagged; verdicts on them stay on record.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.given_back IS 'Invoices among them that a later night had delivered too, and holds from now on.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.reason IS 'Why, in the words of whoever did it.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.taken_by IS 'Who did it.';
COMMENT ON COLUMN invoice_anomalies.v_withdrawals.taken_at IS 'When.';
