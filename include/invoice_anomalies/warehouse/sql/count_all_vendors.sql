-- What do the invoices of each vendor add up to, all counted anew? (the name is that of the last night)
DELETE FROM invoice_anomalies.vendor_totals;
INSERT INTO invoice_anomalies.vendor_totals (entity, currency, entity_name, invoices, amount, extract_date)
SELECT
    coalesce({entity}, ''), coalesce({currency}, ''),
    substr(max(to_char(extract_date, 'YYYYMMDD') || {entity_name}), 9),
    count(*), coalesce(sum({amount}), 0), max(extract_date)
FROM invoice_anomalies.invoices
GROUP BY 1, 2;
