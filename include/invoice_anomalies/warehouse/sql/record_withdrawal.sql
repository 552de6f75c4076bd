-- Note that the night was taken back.
INSERT INTO invoice_anomalies.withdrawals
    (extract_date, invoices, quarantined, anomalies, given_back, reason, taken_by)
VALUES (
    %(extract_date)s, %(invoices)s, %(quarantined)s, %(anomalies)s, %(given_back)s, %(reason)s, %(taken_by)s
);
