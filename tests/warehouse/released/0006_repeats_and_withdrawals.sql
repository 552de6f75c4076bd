-- What a night's rows are, so that a file that comes a second time under another date is known; and nights taken back.

ALTER TABLE invoice_anomalies.validation_runs ADD COLUMN content text;
COMMENT ON COLUMN invoice_anomalies.validation_runs.content IS 'Checksum of the rows, in whatever order, file or format they come; empty where there are none, or where they came before this column.';

CREATE TABLE invoice_anomalies.withdrawals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_date date NOT NULL,
    invoices integer NOT NULL,
    quarantined integer NOT NULL,
    anomalies integer NOT NULL,
    given_back integer NOT NULL,
    reason text NOT NULL CHECK (reason ~ '\S'),
    taken_by text NOT NULL,
    recorded_by text NOT NULL DEFAULT session_user,
    taken_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE invoice_anomalies.withdrawals IS 'Nights that were taken back, one row each time. Append-only, the audit trail.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.id IS 'Number of the withdrawal, in order.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.extract_date IS 'Night that was taken back.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.invoices IS 'Invoices that were removed, with their scores.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.quarantined IS 'Rows that were removed from quarantine.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.anomalies IS 'Invoices among them that were flagged; verdicts on them stay in reviews.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.given_back IS 'Invoices among them that a later night had delivered too, and holds from now on.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.reason IS 'Why, in the words of whoever did it.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.taken_by IS 'Who did it.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.recorded_by IS 'Login of the database that recorded it.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.taken_at IS 'When.';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON invoice_anomalies.withdrawals
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.refuse_change();

-- Which nights were taken back, by whom and why?
CREATE VIEW invoice_anomalies.v_withdrawals AS
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
