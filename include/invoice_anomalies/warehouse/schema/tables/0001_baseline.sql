-- The tables of version 0.1.0. The columns of `invoices` that hold a company's own fields are added from the contract.
-- Triggers and views are in files of their own, which run again when they change.

CREATE TABLE invoice_anomalies.invoices (
    invoice_key text PRIMARY KEY,
    extract_date date NOT NULL,
    file text NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now(),
    line integer NOT NULL
);
-- The night alone is asked for; the file is no part of any question.
CREATE INDEX invoices_night ON invoice_anomalies.invoices (extract_date);
COMMENT ON TABLE invoice_anomalies.invoices IS 'Validated invoices, one row each; the columns after loaded_at come from the data contract.';
COMMENT ON COLUMN invoice_anomalies.invoices.invoice_key IS 'Identifies the invoice: the key fields of the contract joined by |.';
COMMENT ON COLUMN invoice_anomalies.invoices.extract_date IS 'Night whose extract delivered the invoice.';
COMMENT ON COLUMN invoice_anomalies.invoices.file IS 'Extract that delivered the invoice last.';
COMMENT ON COLUMN invoice_anomalies.invoices.loaded_at IS 'When the invoice was first loaded, or its values were last changed by a corrected extract.';
COMMENT ON COLUMN invoice_anomalies.invoices.line IS 'Place of the invoice in that file.';

CREATE TABLE invoice_anomalies.quarantined_invoices (
    extract_date date NOT NULL,
    file text NOT NULL,
    line integer NOT NULL,
    raw text NOT NULL,
    reasons text[] NOT NULL,
    quarantined_at timestamptz NOT NULL DEFAULT now(),
    invoice_key text,
    PRIMARY KEY (extract_date, file, line)
);
CREATE INDEX quarantined_by_key ON invoice_anomalies.quarantined_invoices (invoice_key) WHERE invoice_key IS NOT NULL;
COMMENT ON TABLE invoice_anomalies.quarantined_invoices IS 'Rows that broke a rule, as they came, with the reasons; one row each.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.extract_date IS 'Night whose extract delivered the row.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.file IS 'Extract that delivered the row.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.line IS 'Place of the row in its file.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.raw IS 'The row as it came, as JSON text; characters that Postgres cannot hold are replaced.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.reasons IS 'Why the row was not loaded, one text for each broken rule.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.quarantined_at IS 'When the row was first quarantined, or last changed.';
COMMENT ON COLUMN invoice_anomalies.quarantined_invoices.invoice_key IS 'The invoice of an earlier night that the row repeats; empty where the row broke a rule.';

CREATE TABLE invoice_anomalies.validation_runs (
    extract_date date NOT NULL,
    file text NOT NULL,
    rows_in integer NOT NULL,
    valid integer NOT NULL,
    quarantined integer NOT NULL,
    superseded integer NOT NULL DEFAULT 0,
    success boolean NOT NULL,
    problems text[] NOT NULL,
    warnings text[] NOT NULL,
    data_docs text NOT NULL,
    validated_at timestamptz NOT NULL DEFAULT now(),
    current boolean NOT NULL DEFAULT true,
    content text,
    PRIMARY KEY (extract_date, file),
    CONSTRAINT nothing_is_dropped CHECK (NOT success OR rows_in = valid + quarantined)
);
COMMENT ON TABLE invoice_anomalies.validation_runs IS 'Validated extracts, one row each: how many rows came and what became of them.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.extract_date IS 'Night of the extract.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.file IS 'Where the extract lay.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.rows_in IS 'Rows in the extract.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.valid IS 'Rows loaded into invoices; 0 where the night was refused.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.quarantined IS 'Rows sent to quarantine; 0 where the night was refused.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.superseded IS 'Rows that are in no table any more, since another extract of the night took the place of this one: all of them or 0.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.success IS 'False: the night was refused as a whole, and what was loaded for it before stays.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.problems IS 'Why the night was refused; empty where it was not.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.warnings IS 'Broken rules that only warn, with counts.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.data_docs IS 'Path of the Data Docs page of this validation.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.validated_at IS 'When this outcome was first recorded; a run with the same outcome leaves it.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.current IS 'False: another extract of the same night was loaded since and took its place.';
COMMENT ON COLUMN invoice_anomalies.validation_runs.content IS 'Checksum of the rows, in whatever order, file or format they come; empty where there are none, or where they came before this column.';

CREATE TABLE invoice_anomalies.model_versions (
    version text PRIMARY KEY,
    status text NOT NULL CHECK (status IN ('champion', 'challenger', 'rejected', 'retired')),
    trained_from date NOT NULL,
    trained_until date NOT NULL,
    rows integer NOT NULL,
    metrics jsonb NOT NULL,
    artefact text NOT NULL,
    checksum text NOT NULL,
    registered_at timestamptz NOT NULL DEFAULT now(),
    promoted_at timestamptz
);
CREATE UNIQUE INDEX one_champion ON invoice_anomalies.model_versions (status) WHERE status = 'champion';
COMMENT ON TABLE invoice_anomalies.model_versions IS 'Trained models, one row each.';
COMMENT ON COLUMN invoice_anomalies.model_versions.version IS 'Name of the model version.';
COMMENT ON COLUMN invoice_anomalies.model_versions.status IS 'champion (scores now), challenger (not promoted), rejected (not fit, or rolled back), retired (was champion).';
COMMENT ON COLUMN invoice_anomalies.model_versions.trained_from IS 'First extract date of the training window.';
COMMENT ON COLUMN invoice_anomalies.model_versions.trained_until IS 'Last extract date that the model knows; it scores later nights only.';
COMMENT ON COLUMN invoice_anomalies.model_versions.rows IS 'Invoices it was trained on.';
COMMENT ON COLUMN invoice_anomalies.model_versions.metrics IS 'Results of the evaluation, as JSON; v_model_health has them as columns.';
COMMENT ON COLUMN invoice_anomalies.model_versions.artefact IS 'Folder of the model.';
COMMENT ON COLUMN invoice_anomalies.model_versions.checksum IS 'Checksum of the folder, checked when the model is loaded.';
COMMENT ON COLUMN invoice_anomalies.model_versions.registered_at IS 'When the version was first registered.';
COMMENT ON COLUMN invoice_anomalies.model_versions.promoted_at IS 'When it first became champion; empty where it never did.';

CREATE TABLE invoice_anomalies.scoring_runs (
    extract_date date NOT NULL,
    model_version text NOT NULL REFERENCES invoice_anomalies.model_versions (version),
    scored integer NOT NULL,
    flagged integer NOT NULL,
    scored_at timestamptz NOT NULL DEFAULT now(),
    known_load bigint NOT NULL DEFAULT 0,
    history_from date NOT NULL DEFAULT '0001-01-01',
    PRIMARY KEY (extract_date, model_version)
);
COMMENT ON TABLE invoice_anomalies.scoring_runs IS 'Nights scored by a model version, one row each.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.extract_date IS 'Night that was scored.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.model_version IS 'Model version that scored it.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.scored IS 'Invoices scored.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.flagged IS 'Invoices flagged as anomalies.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.scored_at IS 'When the scores were published; publishing the same counts again leaves it.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.known_load IS 'Last load that the scores know of.';
COMMENT ON COLUMN invoice_anomalies.scoring_runs.history_from IS 'First night that the scores rest on.';

CREATE TABLE invoice_anomalies.scores (
    invoice_key text NOT NULL,
    model_version text NOT NULL,
    extract_date date NOT NULL,
    score double precision NOT NULL,
    threshold double precision NOT NULL,
    history_tier text NOT NULL,
    history_rows integer NOT NULL,
    scored_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (invoice_key, model_version)
);
-- No index by night: nobody asks for the scores of a night but by the keys of its invoices.
COMMENT ON TABLE invoice_anomalies.scores IS 'Score of every invoice by every model version that judged it, one row each.';
COMMENT ON COLUMN invoice_anomalies.scores.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.scores.model_version IS 'Model version that scored it.';
COMMENT ON COLUMN invoice_anomalies.scores.extract_date IS 'Night of the invoice.';
COMMENT ON COLUMN invoice_anomalies.scores.score IS 'How unusual the invoice is; higher is more unusual.';
COMMENT ON COLUMN invoice_anomalies.scores.threshold IS 'Invoices above this score are flagged.';
COMMENT ON COLUMN invoice_anomalies.scores.history_tier IS 'How much was known of the entity before that night.';
COMMENT ON COLUMN invoice_anomalies.scores.history_rows IS 'Invoices of the entity that were known before that night.';
COMMENT ON COLUMN invoice_anomalies.scores.scored_at IS 'When the score was published, or last changed.';

CREATE TABLE invoice_anomalies.anomalies (
    invoice_key text NOT NULL REFERENCES invoice_anomalies.invoices (invoice_key) ON DELETE CASCADE,
    model_version text NOT NULL REFERENCES invoice_anomalies.model_versions (version),
    extract_date date NOT NULL,
    rank_of_day integer NOT NULL,
    score double precision NOT NULL,
    threshold double precision NOT NULL,
    amount_at_risk numeric,
    currency text,
    entity text,
    top_field text NOT NULL,
    explanation text NOT NULL,
    status text NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'confirmed', 'dismissed', 'normal')),
    flagged_at timestamptz NOT NULL DEFAULT now(),
    rank_by_amount integer NOT NULL,
    history_tier text,
    history_rows integer,
    entity_name text,
    kind text,
    PRIMARY KEY (invoice_key, model_version)
);
CREATE INDEX anomalies_night ON invoice_anomalies.anomalies (extract_date, model_version);
-- Everything about a vendor, without the wide rows themselves.
CREATE INDEX anomalies_entity ON invoice_anomalies.anomalies (entity, currency)
    INCLUDE (extract_date, model_version, status, amount_at_risk, score);
COMMENT ON TABLE invoice_anomalies.anomalies IS 'Invoices above the threshold, one row for each model version that flagged them.';
COMMENT ON COLUMN invoice_anomalies.anomalies.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.anomalies.model_version IS 'Model version that flagged it.';
COMMENT ON COLUMN invoice_anomalies.anomalies.extract_date IS 'Night of the invoice.';
COMMENT ON COLUMN invoice_anomalies.anomalies.rank_of_day IS 'Place among the anomalies of its night and version; 1 has the highest score.';
COMMENT ON COLUMN invoice_anomalies.anomalies.score IS 'How unusual the invoice is; higher is more unusual.';
COMMENT ON COLUMN invoice_anomalies.anomalies.threshold IS 'Score above which it was flagged.';
COMMENT ON COLUMN invoice_anomalies.anomalies.amount_at_risk IS 'Money at risk, in the currency of the invoice; empty where the contract names no amount.';
COMMENT ON COLUMN invoice_anomalies.anomalies.currency IS 'Currency of the amount; empty where the contract names none.';
COMMENT ON COLUMN invoice_anomalies.anomalies.entity IS 'Whose invoice it is, usually the vendor; empty where the contract names no entity.';
COMMENT ON COLUMN invoice_anomalies.anomalies.top_field IS 'Field that contributes most to the score.';
COMMENT ON COLUMN invoice_anomalies.anomalies.explanation IS 'Why it was flagged, in a sentence.';
COMMENT ON COLUMN invoice_anomalies.anomalies.status IS 'open, or the last verdict: confirmed, dismissed, normal.';
COMMENT ON COLUMN invoice_anomalies.anomalies.flagged_at IS 'When it was first flagged by this version.';
COMMENT ON COLUMN invoice_anomalies.anomalies.rank_by_amount IS 'Place among the anomalies of its night and version by money at risk; 1 has the most, those without an amount come last. Amounts of several currencies are compared as plain numbers.';
COMMENT ON COLUMN invoice_anomalies.anomalies.history_tier IS 'How much was known of the entity before that night, as in scores.';
COMMENT ON COLUMN invoice_anomalies.anomalies.history_rows IS 'Invoices of the entity that were known before that night, as in scores.';
COMMENT ON COLUMN invoice_anomalies.anomalies.entity_name IS 'Name of the entity, usually the vendor, as on the invoice; empty where the contract names no field for it.';
COMMENT ON COLUMN invoice_anomalies.anomalies.kind IS 'What kind of finding it is, that of the first of its fields: copy (booked before under this or nearly this number), split (with others just below an approval limit), burst (one of far more invoices than usual in a night), slip (a value mistyped: decimal point, digits exchanged, sign, year, day and month), vendor (new, or not expected with the other fields), or else what is not usual: amount, quantity, tax, arithmetic (fields that do not fit each other), date, number, account, terms, currency, category, text. Empty where it was flagged before this column was there.';

CREATE TABLE invoice_anomalies.anomaly_fields (
    invoice_key text NOT NULL,
    model_version text NOT NULL,
    field text NOT NULL,
    position integer NOT NULL,
    observed text,
    expected text,
    low text,
    high text,
    error double precision NOT NULL,
    rarity double precision NOT NULL,
    share double precision NOT NULL,
    sentence text NOT NULL,
    kind text,
    PRIMARY KEY (invoice_key, model_version, field),
    FOREIGN KEY (invoice_key, model_version)
        REFERENCES invoice_anomalies.anomalies (invoice_key, model_version) ON DELETE CASCADE
);
COMMENT ON TABLE invoice_anomalies.anomaly_fields IS 'Fields that explain an anomaly, one row each.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.model_version IS 'Model version that flagged it.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.field IS 'Field of the contract.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.position IS 'Place among the fields of the anomaly; 1 contributes most.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.observed IS 'Value on the invoice, as text; empty where it has none.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.expected IS 'Value expected, as text.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.low IS 'Lower end of what is usual, as text; empty where there is no range.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.high IS 'Upper end of what is usual, as text; empty where there is no range.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.error IS 'Surprise: -log10 of the share of normal invoices at least this far off.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.rarity IS 'One normal invoice in this many is at least this far off.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.share IS 'Part of the score that this field contributes, 0 to 1.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.sentence IS 'The field in words: observed, expected, how rare.';
COMMENT ON COLUMN invoice_anomalies.anomaly_fields.kind IS 'What kind of finding it is in this field; the words are those of anomalies.kind.';

-- The reviewer is the login, whatever role it has set; sent by a review page, it is the person that the page knows.
CREATE TABLE invoice_anomalies.reviews (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_key text NOT NULL,
    model_version text NOT NULL,
    verdict text NOT NULL CHECK (verdict IN ('confirmed', 'dismissed', 'normal')),
    reviewer text NOT NULL DEFAULT session_user,
    reviewed_at timestamptz NOT NULL DEFAULT now(),
    note text,
    recorded_by text DEFAULT session_user
);
-- No foreign key: the trail outlives an anomaly that a corrected extract or a new model takes away.
CREATE INDEX reviews_invoice ON invoice_anomalies.reviews (invoice_key, id);
COMMENT ON TABLE invoice_anomalies.reviews IS 'Verdicts on anomalies, one row each; append-only, the audit trail.';
COMMENT ON COLUMN invoice_anomalies.reviews.id IS 'Number of the review, in order of arrival.';
COMMENT ON COLUMN invoice_anomalies.reviews.invoice_key IS 'The invoice.';
COMMENT ON COLUMN invoice_anomalies.reviews.model_version IS 'Model version whose anomaly was judged.';
COMMENT ON COLUMN invoice_anomalies.reviews.verdict IS 'confirmed (a real anomaly), dismissed (not worth following), normal (usual for this entity).';
COMMENT ON COLUMN invoice_anomalies.reviews.reviewer IS 'Who judged: the login that recorded the verdict, or whom the review page names.';
COMMENT ON COLUMN invoice_anomalies.reviews.reviewed_at IS 'When.';
COMMENT ON COLUMN invoice_anomalies.reviews.note IS 'Words of the reviewer, if any.';
COMMENT ON COLUMN invoice_anomalies.reviews.recorded_by IS 'Login that recorded the verdict; empty where that was before this column was there.';

CREATE TABLE invoice_anomalies.alerts (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_date date NOT NULL,
    model_version text NOT NULL,
    channel text NOT NULL,
    anomalies text[] NOT NULL,
    digest text NOT NULL UNIQUE,
    sent_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE invoice_anomalies.alerts IS 'Alerts sent, one row each.';
COMMENT ON COLUMN invoice_anomalies.alerts.id IS 'Number of the alert, in order of sending.';
COMMENT ON COLUMN invoice_anomalies.alerts.extract_date IS 'Night that it is about.';
COMMENT ON COLUMN invoice_anomalies.alerts.model_version IS 'Model version that flagged the anomalies.';
COMMENT ON COLUMN invoice_anomalies.alerts.channel IS 'Where it was sent, e.g. email.';
COMMENT ON COLUMN invoice_anomalies.alerts.anomalies IS 'Keys of the invoices in it.';
COMMENT ON COLUMN invoice_anomalies.alerts.digest IS 'Fingerprint of channel and contents: the same alert is not sent twice.';
COMMENT ON COLUMN invoice_anomalies.alerts.sent_at IS 'When it was sent.';

CREATE TABLE invoice_anomalies.loads (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_date date NOT NULL,
    file text NOT NULL,
    added integer NOT NULL,
    changed integer NOT NULL,
    removed integer NOT NULL,
    loaded_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX loads_night ON invoice_anomalies.loads (extract_date, id);
COMMENT ON TABLE invoice_anomalies.loads IS 'Loads that changed the invoices of a night, one row each: the first one, and every correction. Append-only, the audit trail.';
COMMENT ON COLUMN invoice_anomalies.loads.id IS 'Number of the load, in order of publishing.';
COMMENT ON COLUMN invoice_anomalies.loads.extract_date IS 'Night whose invoices changed.';
COMMENT ON COLUMN invoice_anomalies.loads.file IS 'Extract that changed them; of another night where it delivered, earlier, an invoice that this night held.';
COMMENT ON COLUMN invoice_anomalies.loads.added IS 'Invoices that the night did not have before.';
COMMENT ON COLUMN invoice_anomalies.loads.changed IS 'Invoices whose values changed.';
COMMENT ON COLUMN invoice_anomalies.loads.removed IS 'Invoices that the night has no longer.';
COMMENT ON COLUMN invoice_anomalies.loads.loaded_at IS 'When.';

-- What dashboards ask is answered from tables that grow with the anomalies and the nights, not with the invoices
-- (benchmarks/bi_views.py measures it; docs/decisions/0011-no-partitions.md). Kept by triggers/count_quarantine.sql.
CREATE TABLE invoice_anomalies.quarantine_counts (
    extract_date date NOT NULL,
    file text NOT NULL,
    rows integer NOT NULL,
    top_reason text,
    top_reason_rows integer,
    PRIMARY KEY (extract_date, file)
);
COMMENT ON TABLE invoice_anomalies.quarantine_counts IS 'Extracts with rows in quarantine, one row each: how many, and why most of them. Kept by triggers of quarantined_invoices.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.extract_date IS 'Night of the extract.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.file IS 'Where the extract lay.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.rows IS 'Its rows in quarantine.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.top_reason IS 'Most frequent reason.';
COMMENT ON COLUMN invoice_anomalies.quarantine_counts.top_reason_rows IS 'Rows with that reason.';

CREATE TABLE invoice_anomalies.withdrawals (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_date date NOT NULL,
    invoices integer NOT NULL,
    quarantined integer NOT NULL,
    anomalies integer NOT NULL,
    given_back integer NOT NULL,
    reason text NOT NULL CHECK (reason ~ '\S'),
    taken_by text NOT NULL,
    recorded_by text NOT NULL DEFAULT session_user,
    taken_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE invoice_anomalies.withdrawals IS 'Nights that were taken back, one row each time. Append-only, the audit trail.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.id IS 'Number of the withdrawal, in order.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.extract_date IS 'Night that was taken back.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.invoices IS 'Invoices that were removed, with their scores.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.quarantined IS 'Rows that were removed from quarantine.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.anomalies IS 'Invoices among them that were flagged; verdicts on them stay in reviews.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.given_back IS 'Invoices among them that a later night had delivered too, and holds from now on.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.reason IS 'Why, in the words of whoever did it.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.taken_by IS 'Who did it.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.recorded_by IS 'Login of the database that recorded it.';
COMMENT ON COLUMN invoice_anomalies.withdrawals.taken_at IS 'When.';

-- What a vendor's invoices add up to is counted when they are loaded, not when somebody asks. Which columns of
-- `invoices` that takes, the contract says: schema/vendor_totals.py makes the trigger for it.
CREATE TABLE invoice_anomalies.vendor_totals (
    entity text NOT NULL,
    currency text NOT NULL,
    entity_name text,
    invoices integer NOT NULL,
    amount numeric NOT NULL,
    extract_date date NOT NULL,
    PRIMARY KEY (entity, currency)
);
COMMENT ON TABLE invoice_anomalies.vendor_totals IS 'What the loaded invoices of an entity (usually the vendor) add up to, one row for each currency. Kept by triggers of invoices.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.entity IS 'The entity; an empty text where an invoice names none.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.currency IS 'Currency of the amount; an empty text where an invoice or the contract names none.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.entity_name IS 'Its name on the invoices loaded last.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.invoices IS 'Invoices loaded.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.amount IS 'Their amounts added up, credit notes taken off.';
COMMENT ON COLUMN invoice_anomalies.vendor_totals.extract_date IS 'Last night that has an invoice of it.';

CREATE TABLE invoice_anomalies.days_without_extract (
    extract_date date PRIMARY KEY,
    reason text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE invoice_anomalies.days_without_extract IS 'Nights that brought no extract and were to bring none, one row each; an extract that comes later takes the row away.';
COMMENT ON COLUMN invoice_anomalies.days_without_extract.extract_date IS 'Night.';
COMMENT ON COLUMN invoice_anomalies.days_without_extract.reason IS 'Why none was missed: the calendar of the contract, or a backfill that found no file.';
COMMENT ON COLUMN invoice_anomalies.days_without_extract.recorded_at IS 'When it was recorded.';
