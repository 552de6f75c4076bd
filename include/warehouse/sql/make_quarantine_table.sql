-- Where do the rejected rows wait?
DROP TABLE IF EXISTS pg_temp.night_quarantine;
CREATE TEMPORARY TABLE night_quarantine (
    line integer PRIMARY KEY,
    raw text NOT NULL,
    reasons text[] NOT NULL
) ON COMMIT DROP;
