-- Where do the rejected rows wait?
DROP TABLE IF EXISTS pg_temp.night_quarantine, pg_temp.night_rejected;
CREATE TEMPORARY TABLE night_rejected (
    line integer NOT NULL,
    raw text NOT NULL,
    reasons json NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE night_quarantine (
    line integer PRIMARY KEY,
    raw text NOT NULL,
    reasons text[] NOT NULL,
    invoice_key text,
    held_by date
) ON COMMIT DROP;
