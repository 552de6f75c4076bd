-- What of earlier nights is still to be judged, by currency?
SELECT currency, count(*), coalesce(sum(amount_at_risk), 0)::float8, min(extract_date)
FROM invoice_anomalies.v_open_anomalies
WHERE extract_date < %(extract_date)s
GROUP BY currency
ORDER BY currency;
