-- Which migrations has this database had?
SELECT name FROM invoice_anomalies.schema_migrations;
