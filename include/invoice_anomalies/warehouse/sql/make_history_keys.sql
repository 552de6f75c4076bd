-- Where do the keys of a history wait to be compared?
DROP TABLE IF EXISTS pg_temp.history_keys;
CREATE TEMPORARY TABLE history_keys (
    invoice_key text NOT NULL,
    extract_date date NOT NULL
) ON COMMIT DROP;
