-- Which is the last load that changed a night of this window?
SELECT coalesce(max(id), 0) FROM invoice_anomalies.loads WHERE extract_date BETWEEN %(first)s AND %(last)s;
