-- Which nights up to this one have invoices, and how many?
SELECT extract_date, count(*)
FROM invoice_anomalies.invoices
WHERE extract_date <= %(last)s
GROUP BY extract_date
ORDER BY extract_date;
