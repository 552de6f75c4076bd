-- Note that a migration ran.
INSERT INTO invoice_anomalies.schema_migrations (name) VALUES (%(name)s);
