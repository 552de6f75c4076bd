-- The numbers behind the texts of a finding, so that BI can sort, plot and subtract them. Rows of before stay without.
ALTER TABLE invoice_anomalies.anomaly_fields
    ADD COLUMN observed_number double precision,
    ADD COLUMN expected_number double precision,
    ADD COLUMN low_number double precision,
    ADD COLUMN high_number double precision;
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.observed_number IS 'Value on the invoice, as a number; empty where the field is no number, or the invoice has none.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.expected_number IS 'Value expected, as a number; empty where the field is no number, or none is expected.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.low_number IS 'Lower end of what is usual, as a number; empty where there is no range, or the field is no number.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.high_number IS 'Upper end of what is usual, as a number; empty where there is no range, or the field is no number.';
