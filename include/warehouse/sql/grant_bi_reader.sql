-- May BI read the views, and nothing else? (after every migration: an administrator may have made the role since)
DO $$
DECLARE
    view_name text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader') THEN
        BEGIN
            CREATE ROLE bi_reader NOLOGIN;
        EXCEPTION
            -- A role belongs to the whole cluster: another database of it may be migrated at this very moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                RAISE NOTICE 'role bi_reader is missing and this user may not create it; run CREATE ROLE bi_reader NOLOGIN as an administrator, then migrate again';
                RETURN;
        END;
    END IF;
    IF NOT has_schema_privilege('bi_reader', 'invoice_anomalies', 'USAGE') THEN
        GRANT USAGE ON SCHEMA invoice_anomalies TO bi_reader;
    END IF;
    FOR view_name IN
        SELECT viewname FROM pg_views WHERE schemaname = 'invoice_anomalies' AND viewname LIKE 'v\_%'
    LOOP
        IF NOT has_table_privilege('bi_reader', format('invoice_anomalies.%I', view_name), 'SELECT') THEN
            EXECUTE format('GRANT SELECT ON invoice_anomalies.%I TO bi_reader', view_name);
        END IF;
    END LOOP;
END
$$;
