-- May each role do its work, and nothing else? (after every migration: an administrator may have made a role since)
DO $$
DECLARE
    wanted record;
    absent text[] := '{}';
BEGIN
    FOR wanted IN SELECT unnest(ARRAY['bi_reader', 'invoice_reviewer', 'invoice_writer']) AS name LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_roles WHERE rolname = wanted.name);
        BEGIN
            EXECUTE format('CREATE ROLE %I NOLOGIN', wanted.name);
        EXCEPTION
            -- A role belongs to the whole cluster: another database of it may be migrated at this very moment.
            WHEN duplicate_object OR unique_violation THEN NULL;
            WHEN insufficient_privilege THEN
                absent := absent || wanted.name;
                RAISE NOTICE 'role % is missing and this user may not create it; run CREATE ROLE % NOLOGIN as an administrator, then migrate again', wanted.name, wanted.name;
        END;
    END LOOP;

    -- The database itself may belong to somebody else; by default everybody may connect and make temporary tables.
    FOR wanted IN
        SELECT role, privilege
        FROM (
            VALUES
                ('bi_reader', 'CONNECT'), ('invoice_reviewer', 'CONNECT'), ('invoice_writer', 'CONNECT'),
                ('invoice_writer', 'TEMPORARY')
        ) AS need (role, privilege)
        WHERE role <> ALL (absent) AND NOT has_database_privilege(role, current_database(), privilege)
    LOOP
        IF EXISTS (
            SELECT FROM pg_database WHERE datname = current_database() AND pg_has_role(datdba, 'USAGE')
        ) THEN
            EXECUTE format('GRANT %s ON DATABASE %I TO %I', wanted.privilege, current_database(), wanted.role);
        ELSE
            RAISE NOTICE 'let the owner of the database run GRANT % ON DATABASE % TO %', wanted.privilege, quote_ident(current_database()), wanted.role;
        END IF;
    END LOOP;
    IF NOT has_database_privilege(current_database(), 'TEMPORARY') THEN
        RAISE insufficient_privilege USING MESSAGE = format(
            'user %s may make no temporary tables in database %s; let its owner run GRANT TEMPORARY ON DATABASE %I TO %I',
            current_user, current_database(), current_database(), current_user
        );
    END IF;

    IF EXISTS (
        SELECT FROM unnest(ARRAY['bi_reader', 'invoice_reviewer', 'invoice_writer']) AS name
        WHERE name <> ALL (absent) AND NOT has_schema_privilege(name, 'invoice_anomalies', 'USAGE')
    ) THEN
        FOR wanted IN SELECT unnest(ARRAY['bi_reader', 'invoice_reviewer', 'invoice_writer']) AS name LOOP
            CONTINUE WHEN wanted.name = ANY (absent);
            EXECUTE format('GRANT USAGE ON SCHEMA invoice_anomalies TO %I', wanted.name);
        END LOOP;
    END IF;

    FOR wanted IN
        WITH need (role, name, privilege, columns) AS (
            -- The views for BI; whoever writes reads everything, whoever reviews sees what BI sees.
            SELECT role, relname::text, 'SELECT', NULL::text
            FROM pg_class
            CROSS JOIN unnest(ARRAY['bi_reader', 'invoice_reviewer', 'invoice_writer']) AS role
            WHERE relnamespace = 'invoice_anomalies'::regnamespace
                AND relkind IN ('r', 'v')
                AND (role = 'invoice_writer' OR (relkind = 'v' AND relname LIKE 'v\_%'))
            UNION ALL
            -- Who judged and when is filled in by the database, so that nobody judges in another's name.
            VALUES ('invoice_reviewer', 'reviews', 'INSERT', 'invoice_key, model_version, verdict, note')
            UNION ALL
            SELECT 'invoice_writer', name, privilege, NULL
            FROM (
                VALUES
                    ('invoices', 'INSERT UPDATE DELETE'), ('quarantined_invoices', 'INSERT UPDATE DELETE'),
                    ('validation_runs', 'INSERT UPDATE'), ('loads', 'INSERT'), ('withdrawals', 'INSERT'),
                    ('days_without_extract', 'INSERT DELETE'), ('model_versions', 'INSERT UPDATE'),
                    ('scoring_runs', 'INSERT UPDATE DELETE'), ('scores', 'INSERT UPDATE DELETE'),
                    ('anomalies', 'INSERT DELETE'), ('anomaly_fields', 'INSERT UPDATE DELETE'), ('alerts', 'INSERT')
            ) AS write (name, privileges)
            CROSS JOIN unnest(string_to_array(privileges, ' ')) AS privilege
            UNION ALL
            -- Not the status of a known anomaly: only a verdict changes that.
            SELECT 'invoice_writer', 'anomalies', 'UPDATE', string_agg(quote_ident(attname), ', ' ORDER BY attnum)
            FROM pg_attribute
            WHERE attrelid = 'invoice_anomalies.anomalies'::regclass
                AND attnum > 0
                AND NOT attisdropped
                AND attname NOT IN ('invoice_key', 'model_version', 'status', 'flagged_at')
        )
        SELECT
            format(
                'GRANT %s%s ON invoice_anomalies.%I TO %I', privilege, coalesce(' (' || columns || ')', ''), name, role
            ) AS command,
            role, name, privilege, columns, granted.missing
        FROM need
        -- A table of a later migration may not be there yet.
        JOIN LATERAL to_regclass(format('invoice_anomalies.%I', name)) AS there (id) ON there.id IS NOT NULL
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN columns IS NULL THEN NOT has_table_privilege(role, there.id, privilege)
                ELSE (
                    SELECT bool_or(NOT has_column_privilege(role, there.id, part, privilege))
                    FROM unnest(string_to_array(columns, ', ')) AS part
                )
            END AS missing
        ) AS granted
        WHERE role <> ALL (absent) AND granted.missing
    LOOP
        -- A user who may use a table but not pass that on would get no error from GRANT, only a warning.
        IF NOT (
            SELECT pg_has_role(relowner, 'USAGE') FROM pg_class
            WHERE oid = to_regclass(format('invoice_anomalies.%I', wanted.name))
        ) THEN
            RAISE insufficient_privilege USING MESSAGE = format('user %s may not %s', current_user, wanted.command);
        END IF;
        EXECUTE wanted.command;
    END LOOP;
END
$$;
