-- Who is champion no longer? One that gives way to a later model retires; one that gives way to an earlier is rejected.
UPDATE invoice_anomalies.model_versions AS old
SET status = CASE
    WHEN (new.trained_until, new.version) < (old.trained_until, old.version) THEN 'rejected' ELSE 'retired'
END
FROM invoice_anomalies.model_versions AS new
WHERE new.version = %(version)s AND old.status = 'champion' AND old.version <> new.version;
