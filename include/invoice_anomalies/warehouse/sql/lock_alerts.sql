-- Is anybody else sending an alert? (waits for them; released at the end of the transaction)
SELECT pg_advisory_xact_lock(hashtext('invoice_anomalies'), hashtext('alerts'));
