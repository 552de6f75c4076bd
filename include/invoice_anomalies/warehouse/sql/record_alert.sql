-- Note that an alert was sent.
INSERT INTO invoice_anomalies.alerts (extract_date, model_version, channel, anomalies, digest)
VALUES (%(extract_date)s, %(version)s, %(channel)s, %(anomalies)s::text[], %(digest)s)
ON CONFLICT (digest) DO NOTHING;
