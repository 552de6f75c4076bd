-- Note that the night changed.
INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed)
VALUES (%(extract_date)s, %(file)s, %(added)s, %(changed)s, %(removed)s);
