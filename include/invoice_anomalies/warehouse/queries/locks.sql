-- Who waits for whom: one lock for each thing that only one task may do at a time.

-- name: lock_migrations
-- Is anybody else migrating? (waits for them; released at the end of the transaction)
SELECT pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('migrations'));

-- name: lock_nights
-- Is anybody else changing a night? (waits for them; released at the end of the transaction)
-- Two nights that deliver the same key at once would otherwise both find it free.
SELECT pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('nights'));

-- name: lock_alerts
-- Is anybody else sending an alert? (waits for them; released at the end of the transaction)
SELECT pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('alerts'));
