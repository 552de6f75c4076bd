from datetime import date

import numpy as np
import pytest
from psycopg2.extensions import connection as Connection  # noqa: N812

from invoice_anomalies import warehouse
from invoice_anomalies.errors import NoModelError, WarehouseError
from tests.warehouse.rows import a_model, ask


def statuses(connection: Connection) -> dict[object, object]:
    return dict(ask(connection, "SELECT version, status FROM invoice_anomalies.model_versions"))


def test_a_model_comes_back_as_it_was_registered(connection: Connection) -> None:
    record = a_model("m1", metrics={"f1": 0.8, "baselines": {"isolation_forest": {"f1": 0.3}}, "curve": [1, 2.5]})
    warehouse.register_model(connection, record)

    assert warehouse.model(connection, "m1") == record
    assert warehouse.model(connection, "m2") is None
    assert warehouse.champion(connection) is None


def test_metrics_that_json_does_not_know_become_null(connection: Connection) -> None:
    warehouse.register_model(connection, a_model("m1", metrics={"f1": float("nan"), "rows": np.int64(5)}))

    record = warehouse.model(connection, "m1")
    assert record is not None
    assert record.metrics == {"f1": None, "rows": 5}
    assert ask(connection, "SELECT f1 FROM invoice_anomalies.v_model_health") == [(None,)]


def test_promotion_makes_one_champion_and_the_old_one_retires(connection: Connection) -> None:
    for version, until in (("m1", date(2024, 2, 1)), ("m2", date(2024, 3, 1))):
        warehouse.register_model(connection, a_model(version, until))
        warehouse.promote_model(connection, version)
    warehouse.promote_model(connection, "m2")

    assert statuses(connection) == {"m1": "retired", "m2": "champion"}
    champion = warehouse.champion(connection)
    assert champion is not None
    assert champion.version == "m2"


def test_registering_again_does_not_take_a_champion_from_its_place(connection: Connection) -> None:
    warehouse.register_model(connection, a_model("m1"))
    warehouse.promote_model(connection, "m1")
    warehouse.register_model(connection, a_model("m1", checksum="new"))

    champion = warehouse.champion(connection)
    assert champion is not None
    assert champion.checksum == "new"


def test_a_model_is_not_registered_as_champion_and_an_unknown_one_not_promoted(connection: Connection) -> None:
    with pytest.raises(WarehouseError, match="register it as challenger"):
        warehouse.register_model(connection, a_model("m1", status="champion"))
    with pytest.raises(NoModelError, match="no model version m1"):
        warehouse.promote_model(connection, "m1")


def test_a_night_is_judged_by_the_latest_promoted_model_that_did_not_see_it(connection: Connection) -> None:
    for version, until in (("m1", date(2024, 2, 1)), ("m2", date(2024, 3, 1)), ("m3", date(2024, 4, 1))):
        warehouse.register_model(connection, a_model(version, until))
    warehouse.promote_model(connection, "m1")
    warehouse.promote_model(connection, "m2")

    def judge(night: date) -> str | None:
        record = warehouse.model_for_night(connection, night)
        return record.version if record else None

    assert judge(date(2024, 2, 1)) is None
    assert judge(date(2024, 2, 2)) == "m1"
    assert judge(date(2024, 3, 1)) == "m1"
    assert judge(date(2024, 3, 2)) == "m2"
    assert judge(date(2024, 5, 1)) == "m2", "m3 was never promoted"


def test_a_roll_back_rejects_the_champion_and_promotion_takes_it_back(connection: Connection) -> None:
    for version, until in (("m1", date(2024, 2, 1)), ("m2", date(2024, 3, 1))):
        warehouse.register_model(connection, a_model(version, until))
        warehouse.promote_model(connection, version)

    warehouse.promote_model(connection, "m1")

    assert statuses(connection) == {"m1": "champion", "m2": "rejected"}
    judge = warehouse.model_for_night(connection, date(2024, 5, 1))
    assert judge is not None
    assert judge.version == "m1"

    warehouse.promote_model(connection, "m2")
    assert statuses(connection) == {"m1": "retired", "m2": "champion"}
