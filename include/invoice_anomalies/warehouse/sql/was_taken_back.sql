-- Was the night taken back before?
SELECT EXISTS (SELECT FROM invoice_anomalies.withdrawals WHERE extract_date = %(extract_date)s);
