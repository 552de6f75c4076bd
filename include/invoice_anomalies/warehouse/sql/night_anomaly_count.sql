-- How many invoices of the night are flagged, by whichever version?
SELECT count(DISTINCT invoice_key) FROM invoice_anomalies.anomalies WHERE extract_date = %(extract_date)s;
