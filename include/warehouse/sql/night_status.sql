-- Has the night been loaded, or refused? (no row: neither)
SELECT bool_or(success) FROM invoice_anomalies.validation_runs WHERE extract_date = %(extract_date)s AND current;
