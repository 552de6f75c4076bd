-- How many valid rows wait?
ANALYZE night_invoices;
SELECT count(*) FROM night_invoices;
