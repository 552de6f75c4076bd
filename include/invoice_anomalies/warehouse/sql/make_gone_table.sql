-- Which invoices does a night hold no longer?
DROP TABLE IF EXISTS pg_temp.night_gone;
CREATE TEMPORARY TABLE night_gone (invoice_key text PRIMARY KEY) ON COMMIT DROP;
