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
        COMMENT ON TABLE invoice_anomalies.schema_migrations IS 'Migrations that this database has had; one row each.';
        COMMENT ON COLUMN invoice_anomalies.schema_migrations.name IS 'Number and name of the migration.';
        COMMENT ON COLUMN invoice_anomalies.schema_migrations.applied_at IS 'When it ran.';
    END IF;
END
$$;
