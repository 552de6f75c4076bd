-- What the database has had of schema/, and what of it depends on the data contract.

-- name: create_schema
-- Where do the tables live, and which migrations have run? (asked first; does nothing where both exist)
DO $$
BEGIN
    -- Not IF NOT EXISTS: that asks for the right to create schemas even where there is nothing to create.
    IF to_regnamespace('invoice_anomalies') IS NULL THEN
        CREATE SCHEMA invoice_anomalies;
        COMMENT ON SCHEMA invoice_anomalies IS 'Invoices, their validation, their scores and anomalies; BI reads the views (v_...).';
    END IF;
    IF to_regclass('invoice_anomalies.schema_migrations') IS NULL THEN
        CREATE TABLE invoice_anomalies.schema_migrations (
            name text PRIMARY KEY,
            applied_at timestamptz NOT NULL DEFAULT now()
        );
    END IF;
    IF NOT EXISTS (
        SELECT FROM pg_attribute
        WHERE attrelid = 'invoice_anomalies.schema_migrations'::regclass AND attname = 'checksum' AND NOT attisdropped
    ) THEN
        ALTER TABLE invoice_anomalies.schema_migrations ADD COLUMN checksum text;
        COMMENT ON TABLE invoice_anomalies.schema_migrations IS 'Files of the schema that this database has had; one row each.';
        COMMENT ON COLUMN invoice_anomalies.schema_migrations.name IS 'Number and name of a file that runs once, or folder and name of one that runs again when it changes.';
        COMMENT ON COLUMN invoice_anomalies.schema_migrations.applied_at IS 'When it ran last.';
        COMMENT ON COLUMN invoice_anomalies.schema_migrations.checksum IS 'SHA-256 of the file as it ran; empty for the files of version 0.1.0.';
    END IF;
END
$$;

-- name: applied_migrations
-- Which files of the schema has this database had, and as they read when?
SELECT name, checksum FROM invoice_anomalies.schema_migrations;

-- name: record_migration
-- Note that a file of the schema ran.
INSERT INTO invoice_anomalies.schema_migrations AS kept (name, checksum) VALUES (%(name)s, %(checksum)s)
ON CONFLICT (name) DO UPDATE SET checksum = excluded.checksum, applied_at = now();

-- name: view_grants
-- Who may read the views and their columns? (each right as the command that gives it: a view made anew has none)
SELECT format(
    'GRANT %s%s ON invoice_anomalies.%I TO %s%s',
    granted.privilege, '(' || quote_ident(granted.column_name) || ')', granted.view_name,
    CASE WHEN granted.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(granted.grantee)) END,
    CASE WHEN granted.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END
)
FROM (
    SELECT
        class.relname AS view_name, NULL::name AS column_name, class.relowner AS owner, entry.grantee,
        entry.privilege_type AS privilege, entry.is_grantable
    FROM pg_class AS class
    CROSS JOIN LATERAL aclexplode(class.relacl) AS entry
    WHERE class.relnamespace = 'invoice_anomalies'::regnamespace AND class.relkind = 'v'
    UNION ALL
    SELECT
        class.relname, attribute.attname, class.relowner, entry.grantee, entry.privilege_type, entry.is_grantable
    FROM pg_class AS class
    JOIN pg_attribute AS attribute ON attribute.attrelid = class.oid
    CROSS JOIN LATERAL aclexplode(attribute.attacl) AS entry
    WHERE class.relnamespace = 'invoice_anomalies'::regnamespace AND class.relkind = 'v'
) AS granted
WHERE granted.grantee <> granted.owner;

-- name: invoice_columns
-- Which columns has the table of invoices, of which type, with which comment?
SELECT
    columns.column_name,
    columns.data_type,
    col_description('invoice_anomalies.invoices'::regclass, columns.ordinal_position::integer)
FROM information_schema.columns
WHERE columns.table_schema = 'invoice_anomalies' AND columns.table_name = 'invoices'
ORDER BY columns.ordinal_position;

-- name: vendor_counter
-- Is there a table to count vendors in, and for which columns are they counted? (the body of the trigger, if there is one)
SELECT
    to_regclass('invoice_anomalies.vendor_totals') IS NOT NULL,
    (SELECT prosrc FROM pg_proc WHERE oid = to_regproc('invoice_anomalies.count_vendors'));

-- name: count_vendors
-- What do the loaded invoices of each vendor add up to now? (the body of the trigger, with the contract's columns)
DECLARE
    uncertain text[];
BEGIN
    -- What comes first, so that no vendor is without invoices in between.
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO invoice_anomalies.vendor_totals AS kept
            (entity, currency, entity_name, invoices, amount, extract_date)
        SELECT
            coalesce({entity}, ''), coalesce({currency}, ''), max({entity_name}), count(*), coalesce(sum({amount}), 0),
            max(extract_date)
        FROM arrived
        GROUP BY 1, 2
        ON CONFLICT (entity, currency) DO UPDATE
        SET invoices = kept.invoices + excluded.invoices,
            amount = kept.amount + excluded.amount,
            entity_name = CASE
                WHEN excluded.extract_date >= kept.extract_date THEN coalesce(excluded.entity_name, kept.entity_name)
                ELSE coalesce(kept.entity_name, excluded.entity_name)
            END,
            extract_date = greatest(kept.extract_date, excluded.extract_date);
    END IF;

    IF TG_OP <> 'INSERT' THEN
        WITH lost AS (
            SELECT
                coalesce({entity}, '') AS entity, coalesce({currency}, '') AS currency, count(*) AS invoices,
                coalesce(sum({amount}), 0) AS amount, max(extract_date) AS extract_date
            FROM gone
            GROUP BY 1, 2
        ), counted AS (
            UPDATE invoice_anomalies.vendor_totals AS kept
            SET invoices = kept.invoices - lost.invoices, amount = kept.amount - lost.amount
            FROM lost
            WHERE kept.entity = lost.entity AND kept.currency = lost.currency
            RETURNING kept.entity, kept.extract_date <= lost.extract_date AS lost_its_last
        )
        SELECT array_agg(DISTINCT counted.entity) INTO uncertain FROM counted WHERE counted.lost_its_last;
        DELETE FROM invoice_anomalies.vendor_totals WHERE invoices = 0;
        -- Rare: a correction of the last night that a vendor is in.
        IF uncertain IS NOT NULL THEN
            UPDATE invoice_anomalies.vendor_totals AS kept
            SET extract_date = there.extract_date
            FROM (
                SELECT
                    coalesce({entity}, '') AS entity, coalesce({currency}, '') AS currency,
                    max(extract_date) AS extract_date
                FROM invoice_anomalies.invoices
                WHERE coalesce({entity}, '') = ANY (uncertain)
                GROUP BY 1, 2
            ) AS there
            WHERE kept.entity = there.entity AND kept.currency = there.currency
                AND kept.extract_date <> there.extract_date;
        END IF;
    END IF;
    RETURN NULL;
END

-- name: make_vendor_counter
-- Have every change of the invoices counted by vendor. With the rights of the owner, so that nobody else writes the sums.
CREATE OR REPLACE FUNCTION invoice_anomalies.count_vendors() RETURNS trigger
    LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS {body};
COMMENT ON FUNCTION invoice_anomalies.count_vendors() IS 'Adds up the invoices of the vendors that a statement touched; made for the columns of the contract.';
REVOKE ALL ON FUNCTION invoice_anomalies.count_vendors() FROM PUBLIC;
CREATE OR REPLACE TRIGGER count_arrived AFTER INSERT ON invoice_anomalies.invoices
    REFERENCING NEW TABLE AS arrived FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_vendors();
CREATE OR REPLACE TRIGGER count_corrected AFTER UPDATE ON invoice_anomalies.invoices
    REFERENCING OLD TABLE AS gone NEW TABLE AS arrived
    FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_vendors();
CREATE OR REPLACE TRIGGER count_gone AFTER DELETE ON invoice_anomalies.invoices
    REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION invoice_anomalies.count_vendors();

-- name: count_all_vendors
-- What do the invoices of each vendor add up to, all counted anew? (the name is that of the last night)
DELETE FROM invoice_anomalies.vendor_totals;
INSERT INTO invoice_anomalies.vendor_totals (entity, currency, entity_name, invoices, amount, extract_date)
SELECT
    coalesce({entity}, ''), coalesce({currency}, ''),
    substr(max(to_char(extract_date, 'YYYYMMDD') || {entity_name}), 9),
    count(*), coalesce(sum({amount}), 0), max(extract_date)
FROM invoice_anomalies.invoices
GROUP BY 1, 2;
