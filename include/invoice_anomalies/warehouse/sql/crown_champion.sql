-- Make a version the champion.
UPDATE invoice_anomalies.model_versions
SET status = 'champion', promoted_at = coalesce(promoted_at, now())
WHERE version = %(version)s;
