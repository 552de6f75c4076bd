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
