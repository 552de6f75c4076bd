-- Record that a version scored the night.
INSERT INTO invoice_anomalies.scoring_runs AS run (extract_date, model_version, scored, flagged)
VALUES (%(extract_date)s, %(version)s, %(scored)s, %(flagged)s)
ON CONFLICT (extract_date, model_version) DO UPDATE
SET scored = excluded.scored, flagged = excluded.flagged, scored_at = now()
WHERE (run.scored, run.flagged) IS DISTINCT FROM (excluded.scored, excluded.flagged);
