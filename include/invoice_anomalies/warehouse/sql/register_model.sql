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
