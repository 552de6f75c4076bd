-- Which model version speaks for a night? The latest trained one that scored it; a rolled-back one only where no other did.
-- Views look a night's version up by "(...) IN (SELECT ... night_versions) IS TRUE": "IS TRUE" keeps it the look-up that it
-- is; as a join on two columns it would be taken for one that leaves a row in a hundred, and planned accordingly.
CREATE OR REPLACE VIEW invoice_anomalies.night_versions AS
SELECT DISTINCT ON (run.extract_date) run.extract_date, run.model_version
FROM invoice_anomalies.scoring_runs AS run
JOIN invoice_anomalies.model_versions AS model ON model.version = run.model_version
ORDER BY run.extract_date, model.status = 'rejected', model.trained_until DESC, model.version DESC;
COMMENT ON VIEW invoice_anomalies.night_versions IS 'The model version that speaks for each night; the other views build on it.';
COMMENT ON COLUMN invoice_anomalies.night_versions.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.night_versions.model_version IS 'The latest trained model version that scored it.';
