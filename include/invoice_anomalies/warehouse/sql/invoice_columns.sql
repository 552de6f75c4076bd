-- Which columns has the table of invoices, of which type, with which comment?
SELECT
    columns.column_name,
    columns.data_type,
    col_description('invoice_anomalies.invoices'::regclass, columns.ordinal_position::integer)
FROM information_schema.columns
WHERE columns.table_schema = 'invoice_anomalies' AND columns.table_name = 'invoices'
ORDER BY columns.ordinal_position;
