-- Days on which no extract came, and none was missed: weekends, holidays, gaps in an old history.
CREATE TABLE invoice_anomalies.days_without_extract (
    extract_date date PRIMARY KEY,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE invoice_anomalies.days_without_extract IS 'Nights that brought no extract and were to bring none, one row each; an extract that comes later takes the row away.';
COMMENT ON COLUMN invoice_anomalies.days_without_extract.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.days_without_extract.reason IS 'Why none was missed: the calendar of the contract, or a backfill that found no file.';
COMMENT ON COLUMN invoice_anomalies.days_without_extract.recorded_at IS 'When it was recorded.';
