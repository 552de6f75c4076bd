-- What happened in this night and the ones before it?
SELECT * FROM invoice_anomalies.v_daily_summary
WHERE extract_date <= %(extract_date)s
ORDER BY extract_date DESC
LIMIT %(nights)s;
