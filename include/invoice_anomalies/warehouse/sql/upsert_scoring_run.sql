-- Record that a version scored the night, and what it knew.
INSERT INTO invoice_anomalies.scoring_runs AS run
    (extract_date, model_version, scored, flagged, known_load, history_from)
VALUES (%(extract_date)s, %(version)s, %(scored)s, %(flagged)s, %(known_load)s, %(history_from)s)
ON CONFLICT (extract_date, model_version) DO UPDATE
SET scored = excluded.scored, flagged = excluded.flagged, known_load = excluded.known_load,
    history_from = excluded.history_from,
    scored_at = CASE
        WHEN (run.scored, run.flagged) IS DISTINCT FROM (excluded.scored, excluded.flagged) THEN now()
        ELSE run.scored_at
    END;
