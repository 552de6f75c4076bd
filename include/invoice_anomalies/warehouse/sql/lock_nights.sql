-- Is anybody else changing a night? (waits for them; released at the end of the transaction)
-- Two nights that deliver the same key at once would otherwise both find it free.
SELECT pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('nights'));
