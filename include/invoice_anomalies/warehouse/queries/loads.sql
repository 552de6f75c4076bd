-- A night's extract into the tables, and what is known of nights.

-- name: make_night_table
-- Where does an extract wait until it is checked? In a table of this transaction, with the contract's columns.
DROP TABLE IF EXISTS pg_temp.night_invoices, pg_temp.night_gone;
CREATE TEMPORARY TABLE night_invoices (
    line integer NOT NULL,
    invoice_key text NOT NULL,
    {columns}
) ON COMMIT DROP;
-- Keys of invoices that the night held and does not deliver any more.
CREATE TEMPORARY TABLE night_gone (invoice_key text PRIMARY KEY) ON COMMIT DROP;
-- A million rows are compared with the invoices by hashing, in memory: of rows that came a moment ago the planner knows
-- nothing, and would compare each with every other.
SET LOCAL work_mem TO '128MB';
SET LOCAL enable_nestloop TO off;

-- name: make_quarantine_table
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

-- name: fill_quarantine
-- Take what validation rejected; a line comes once.
INSERT INTO night_quarantine (line, raw, reasons)
SELECT line, raw, ARRAY(SELECT json_array_elements_text(reasons)) FROM night_rejected;
ANALYZE night_quarantine;

-- name: count_staged
-- How many valid rows wait?
ANALYZE night_invoices;
SELECT count(*) FROM night_invoices;

-- name: content_of_night
-- What are the rows of this extract? (a checksum that their order, the file and its format leave alone; none: no rows)
WITH fit AS (
    SELECT count(*) AS rows, sum(hashtextextended(ROW({night_fields})::text, 0)) AS hash FROM night_invoices AS night
),
unfit AS (
    SELECT count(*) AS rows, sum(hashtextextended(raw, 0)) AS hash FROM night_quarantine
)
SELECT md5(concat_ws('|', fit.rows, fit.hash, unfit.rows, unfit.hash))
FROM fit, unfit
WHERE fit.rows + unfit.rows > 0;

-- name: night_of_content
-- Which other night has these very rows?
SELECT extract_date, file
FROM invoice_anomalies.validation_runs
WHERE content = %(content)s AND extract_date <> %(extract_date)s AND current AND success
ORDER BY extract_date
LIMIT 1;

-- name: delete_undelivered_invoices
-- Which invoices of the night does this extract not deliver? They go, with their scores and anomalies; reviews stay.
WITH gone AS (
    DELETE FROM invoice_anomalies.invoices AS invoice
    WHERE invoice.extract_date = %(extract_date)s
        AND NOT EXISTS (SELECT FROM night_invoices AS night WHERE night.invoice_key = invoice.invoice_key)
    RETURNING invoice.invoice_key
),
kept AS (
    INSERT INTO night_gone SELECT invoice_key FROM gone
),
scores AS (
    DELETE FROM invoice_anomalies.scores AS score USING gone WHERE score.invoice_key = gone.invoice_key
)
SELECT count(*) FROM gone;

-- name: later_nights
-- Is there a later night?
SELECT EXISTS (SELECT FROM invoice_anomalies.invoices WHERE extract_date > %(extract_date)s);

-- name: take_over_from_later_nights
-- Which invoices of this extract did a later night hold, having been loaded before? The earliest night keeps an invoice,
-- whatever the order of loading: the later one has it in quarantine, without its scores, as if it had come second.
WITH displaced AS (
    SELECT invoice.invoice_key, invoice.extract_date, invoice.file, invoice.line, {raw} AS raw
    FROM night_invoices AS night
    JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
    WHERE invoice.extract_date > %(extract_date)s
),
of_night AS (
    SELECT extract_date, count(*)::integer AS rows FROM displaced GROUP BY extract_date
),
quarantined AS (
    INSERT INTO invoice_anomalies.quarantined_invoices (extract_date, file, line, raw, reasons, invoice_key)
    SELECT
        extract_date, file, line, raw, ARRAY['already loaded with the extract of ' || %(extract_date)s::date], invoice_key
    FROM displaced
),
quarantined_before AS ( -- by nights that had given way to the displaced one
    UPDATE invoice_anomalies.quarantined_invoices AS later
    SET reasons = ARRAY['already loaded with the extract of ' || %(extract_date)s::date]
    FROM displaced
    WHERE later.invoice_key = displaced.invoice_key
),
scores AS (
    DELETE FROM invoice_anomalies.scores AS score USING displaced WHERE score.invoice_key = displaced.invoice_key
),
anomalies AS (
    DELETE FROM invoice_anomalies.anomalies AS anomaly USING displaced WHERE anomaly.invoice_key = displaced.invoice_key
),
counted AS (
    UPDATE invoice_anomalies.validation_runs AS run
    SET valid = run.valid - of_night.rows, quarantined = run.quarantined + of_night.rows
    FROM of_night
    WHERE run.extract_date = of_night.extract_date AND run.current AND run.success
),
noted AS (
    INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed)
    SELECT extract_date, %(file)s, 0, 0, rows FROM of_night ORDER BY extract_date
)
SELECT count(*) FROM displaced;

-- name: upsert_invoices
-- Load the night; an invoice that did not change is not touched, so that loaded_at tells when it did. What a later night
-- held is this night's from now on; what an earlier one holds stays there. (by key: the index then grows page by page)
WITH loaded AS (
    INSERT INTO invoice_anomalies.invoices AS invoice (invoice_key, extract_date, file, line, {fields})
    SELECT night.invoice_key, %(extract_date)s, %(file)s, night.line, {night_fields}
    FROM night_invoices AS night
    ORDER BY night.invoice_key
    ON CONFLICT (invoice_key) DO UPDATE
    SET (extract_date, file, line, {fields}, loaded_at) = ROW(
        excluded.extract_date, excluded.file, excluded.line, {new_fields},
        CASE
            WHEN (invoice.extract_date, {old_fields}) IS DISTINCT FROM (excluded.extract_date, {new_fields}) THEN now()
            ELSE invoice.loaded_at
        END
    )
    WHERE invoice.extract_date >= excluded.extract_date
        AND (invoice.extract_date, invoice.file, invoice.line, {old_fields})
            IS DISTINCT FROM (excluded.extract_date, excluded.file, excluded.line, {new_fields})
    RETURNING xmax = 0 AS added, loaded_at = now() AS changed -- no transaction but the inserting one has touched a new row
)
SELECT
    count(*),
    count(*) FILTER (WHERE added) AS added,
    count(*) FILTER (WHERE changed AND NOT added) AS changed
FROM loaded;

-- name: quarantine_earlier_nights
-- Which invoices of this extract does an earlier night hold? It keeps them.
INSERT INTO night_quarantine (line, raw, reasons, invoice_key, held_by)
SELECT night.line, {raw}, ARRAY['already loaded with the extract of ' || invoice.extract_date], invoice_key,
    invoice.extract_date
FROM night_invoices AS night
JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
WHERE invoice.extract_date < %(extract_date)s;

-- name: most_repeated
-- Which earlier night holds most of the rows of this extract, and how many?
SELECT held_by, count(*) FROM night_quarantine WHERE held_by IS NOT NULL GROUP BY held_by ORDER BY 2 DESC, 1 LIMIT 1;

-- name: most_displaced
-- Of which later night does this one hold the largest share, how many rows, and how many has that night delivered?
SELECT given_way.extract_date, given_way.here, given_way.all_nights + (
    SELECT count(*) FROM invoice_anomalies.invoices AS kept WHERE kept.extract_date = given_way.extract_date
) AS delivered
FROM (
    SELECT
        quarantined.extract_date,
        count(*) FILTER (WHERE invoice.extract_date = %(extract_date)s) AS here,
        count(*) AS all_nights
    FROM invoice_anomalies.quarantined_invoices AS quarantined
    JOIN invoice_anomalies.invoices AS invoice USING (invoice_key)
    WHERE quarantined.extract_date > %(extract_date)s
    GROUP BY quarantined.extract_date
) AS given_way
WHERE given_way.here > 0
ORDER BY given_way.here::float8 / (given_way.all_nights + (
    SELECT count(*) FROM invoice_anomalies.invoices AS kept WHERE kept.extract_date = given_way.extract_date
)) DESC, given_way.extract_date
LIMIT 1;

-- name: replace_quarantine
-- Make the quarantine of this night what was found now; a row that did not change is not touched.
DELETE FROM invoice_anomalies.quarantined_invoices AS kept
WHERE kept.extract_date = %(extract_date)s
    AND NOT (
        kept.file = %(file)s AND EXISTS (SELECT FROM night_quarantine AS night WHERE night.line = kept.line)
    );

INSERT INTO invoice_anomalies.quarantined_invoices AS kept (extract_date, file, line, raw, reasons, invoice_key)
SELECT %(extract_date)s, %(file)s, night.line, night.raw, night.reasons, night.invoice_key
FROM night_quarantine AS night
ON CONFLICT (extract_date, file, line) DO UPDATE
SET raw = excluded.raw, reasons = excluded.reasons, invoice_key = excluded.invoice_key,
    quarantined_at = now()
WHERE (kept.raw, kept.reasons, kept.invoice_key)
    IS DISTINCT FROM (excluded.raw, excluded.reasons, excluded.invoice_key);

-- name: count_quarantine
-- How many rows of this night are in quarantine?
SELECT count(*) FROM invoice_anomalies.quarantined_invoices WHERE extract_date = %(extract_date)s;

-- name: night_rows
-- How many invoices has the night?
SELECT count(*) FROM invoice_anomalies.invoices WHERE extract_date = %(extract_date)s;

-- name: upsert_validation_run
-- Record what became of an extract; the same outcome again leaves the row as it is.
INSERT INTO invoice_anomalies.validation_runs AS run
    (extract_date, file, rows_in, valid, quarantined, success, problems, warnings, data_docs, content)
VALUES (
    %(extract_date)s, %(file)s, %(rows_in)s, %(valid)s, %(quarantined)s, %(success)s,
    %(problems)s::text[], %(warnings)s::text[], %(data_docs)s, %(content)s
)
ON CONFLICT (extract_date, file) DO UPDATE
SET rows_in = excluded.rows_in, valid = excluded.valid, quarantined = excluded.quarantined, superseded = 0,
    success = excluded.success, problems = excluded.problems, warnings = excluded.warnings,
    data_docs = excluded.data_docs, content = excluded.content, validated_at = now(), current = true
WHERE (
        run.rows_in, run.valid, run.quarantined, run.superseded, run.success, run.problems, run.warnings, run.data_docs,
        run.current, run.content
    )
    IS DISTINCT FROM (
        excluded.rows_in, excluded.valid, excluded.quarantined, 0, excluded.success, excluded.problems,
        excluded.warnings, excluded.data_docs, true, excluded.content
    );

-- name: supersede_runs
-- A night is one extract: this one takes the place of the night's others.
UPDATE invoice_anomalies.validation_runs AS run
SET current = false, superseded = run.rows_in
WHERE run.extract_date = %(extract_date)s AND run.file <> %(file)s AND run.current;

-- name: record_load
-- Note that the night changed.
INSERT INTO invoice_anomalies.loads (extract_date, file, added, changed, removed)
VALUES (%(extract_date)s, %(file)s, %(added)s, %(changed)s, %(removed)s);

-- name: record_day_without_extract
-- Record that the night had no extract, unless one came.
INSERT INTO invoice_anomalies.days_without_extract (extract_date, reason)
SELECT %(extract_date)s, %(reason)s
WHERE NOT EXISTS (
    SELECT FROM invoice_anomalies.validation_runs WHERE extract_date = %(extract_date)s AND current
)
ON CONFLICT (extract_date) DO NOTHING;

-- name: forget_day_without_extract
-- An extract came after all.
DELETE FROM invoice_anomalies.days_without_extract WHERE extract_date = %(extract_date)s;

-- name: day_without_extract
-- Why had the night no extract?
SELECT reason FROM invoice_anomalies.days_without_extract WHERE extract_date = %(extract_date)s;

-- name: night_status
-- Has the night been loaded, or refused, or had it no extract? (no row: none of them)
SELECT CASE WHEN run.success THEN 'loaded' WHEN NOT run.success THEN 'refused' ELSE 'no extract' END
FROM (
    SELECT bool_or(success) AS success FROM invoice_anomalies.validation_runs
    WHERE extract_date = %(extract_date)s AND current
) AS run
WHERE run.success IS NOT NULL
    OR EXISTS (SELECT FROM invoice_anomalies.days_without_extract WHERE extract_date = %(extract_date)s);

-- name: usual_rows
-- How many rows has a usual night? (median of the last nights; none where there are too few to tell)
WITH night AS (
    SELECT extract_date, sum(rows_in) AS rows_in
    FROM invoice_anomalies.validation_runs
    WHERE success AND current AND extract_date < %(extract_date)s
    GROUP BY extract_date
    ORDER BY extract_date DESC
    LIMIT %(most_nights)s
)
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rows_in) FROM night HAVING count(*) >= %(fewest_nights)s;

-- name: last_load
-- Which is the last load that changed a night of this window?
SELECT coalesce(max(id), 0) FROM invoice_anomalies.loads WHERE extract_date BETWEEN %(first)s AND %(last)s;

-- name: stale_nights
-- Which nights, from this one on, are scored on invoices that changed since?
SELECT extract_date FROM invoice_anomalies.stale_nights WHERE extract_date >= %(first)s ORDER BY extract_date;
