-- Model versions.

-- name: register_model
-- Record a trained model; once it has been promoted, only promotion changes its status.
INSERT INTO invoice_anomalies.model_versions AS model
    (version, status, trained_from, trained_until, rows, metrics, artefact, checksum)
VALUES (
    %(version)s, %(status)s, %(trained_from)s, %(trained_until)s, %(rows)s, %(metrics)s::jsonb, %(artefact)s,
    %(checksum)s
)
ON CONFLICT (version) DO UPDATE
SET status = CASE WHEN model.promoted_at IS NULL THEN excluded.status ELSE model.status END,
    trained_from = excluded.trained_from, trained_until = excluded.trained_until, rows = excluded.rows,
    metrics = excluded.metrics, artefact = excluded.artefact, checksum = excluded.checksum;

-- name: model_by_version
-- Which model has this name?
SELECT version, status, trained_from, trained_until, rows, metrics, artefact, checksum
FROM invoice_anomalies.model_versions
WHERE version = %(version)s;

-- name: champion
-- Which model is the champion?
SELECT version, status, trained_from, trained_until, rows, metrics, artefact, checksum
FROM invoice_anomalies.model_versions
WHERE status = 'champion';

-- name: model_for_night
-- Which model may judge this night? The latest that was ever champion, was not rolled back, and did not see the night.
SELECT version, status, trained_from, trained_until, rows, metrics, artefact, checksum
FROM invoice_anomalies.model_versions
WHERE promoted_at IS NOT NULL AND status <> 'rejected' AND trained_until < %(extract_date)s
ORDER BY trained_until DESC, version DESC
LIMIT 1;

-- name: retire_champion
-- Who is champion no longer? One that gives way to a later model retires; one that gives way to an earlier is rejected.
UPDATE invoice_anomalies.model_versions AS old
SET status = CASE
    WHEN (new.trained_until, new.version) < (old.trained_until, old.version) THEN 'rejected' ELSE 'retired'
END
FROM invoice_anomalies.model_versions AS new
WHERE new.version = %(version)s AND old.status = 'champion' AND old.version <> new.version;

-- name: promote_model
-- Make a version the champion.
UPDATE invoice_anomalies.model_versions
SET status = 'champion', promoted_at = coalesce(promoted_at, now())
WHERE version = %(version)s;

-- name: reject_model
-- Note that a challenger was not promoted.
UPDATE invoice_anomalies.model_versions SET status = 'rejected' WHERE version = %(version)s AND status = 'challenger';
