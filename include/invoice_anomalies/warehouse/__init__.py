"""The only room that talks to Postgres: migrations, loading a night, reading invoices, models, scores, alerts.

Every function that changes something does all of it or nothing, and doing it again leaves the same rows.
"""

from invoice_anomalies.anomaly import Anomaly, AnomalyField, StillOpen
from invoice_anomalies.warehouse.connection import connect
from invoice_anomalies.warehouse.history import Reason, file_counts, file_reasons, history_elsewhere, load_history_night
from invoice_anomalies.warehouse.incoming import Extract, invoice_keys
from invoice_anomalies.warehouse.invoices import read_chunk, read_history, read_lookalikes, training_set
from invoice_anomalies.warehouse.loads import (
    Changes,
    LoadCounts,
    load_night,
    record_day_without_extract,
    refuse_night,
)
from invoice_anomalies.warehouse.models import (
    ModelRecord,
    champion,
    model,
    model_for_night,
    promote_model,
    register_model,
    reject_model,
)
from invoice_anomalies.warehouse.nights import (
    Status,
    day_without_extract,
    last_load,
    loaded_nights,
    night_rows,
    night_status,
    nights_of_file,
    nights_of_other_files,
    stale_nights,
    usual_rows,
)
from invoice_anomalies.warehouse.reports import (
    alert_sent,
    day_counts,
    night_anomalies,
    open_before,
    record_alert,
)
from invoice_anomalies.warehouse.schema.migrate import migrate
from invoice_anomalies.warehouse.scores import ScoreCounts, Scoring, StaleNight, nights_to_score_again, publish_scores
from invoice_anomalies.warehouse.withdrawals import Withdrawal, give_back_all, nights_to_reload, take_back

__all__ = [
    "Anomaly",
    "AnomalyField",
    "Changes",
    "Extract",
    "LoadCounts",
    "ModelRecord",
    "Reason",
    "ScoreCounts",
    "Scoring",
    "StaleNight",
    "Status",
    "StillOpen",
    "Withdrawal",
    "alert_sent",
    "champion",
    "connect",
    "day_counts",
    "day_without_extract",
    "file_counts",
    "file_reasons",
    "give_back_all",
    "history_elsewhere",
    "invoice_keys",
    "last_load",
    "load_history_night",
    "load_night",
    "loaded_nights",
    "migrate",
    "model",
    "model_for_night",
    "night_anomalies",
    "night_rows",
    "night_status",
    "nights_of_file",
    "nights_of_other_files",
    "nights_to_reload",
    "nights_to_score_again",
    "open_before",
    "promote_model",
    "publish_scores",
    "read_chunk",
    "read_history",
    "read_lookalikes",
    "record_alert",
    "record_day_without_extract",
    "refuse_night",
    "register_model",
    "reject_model",
    "stale_nights",
    "take_back",
    "training_set",
    "usual_rows",
]
