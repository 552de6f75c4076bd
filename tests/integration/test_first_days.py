"""The order of the first nights, and who may judge a night."""

from tests.integration.conftest import HISTORY, NIGHT, Company, words


def test_scoring_before_there_is_a_model_points_to_the_training_and_publishes_nothing(new_company: Company):
    new_company.succeed("validate_invoices")

    run = new_company.run("score_invoices")

    assert run.state == "failed"
    assert run.states["plan"] == "failed"
    (failure,) = new_company.outbox("failure")
    assert "no champion model yet" in words(failure)
    assert "Run train_autoencoder" in words(failure)
    for table in ("scores", "anomalies", "anomaly_fields", "scoring_runs", "alerts"):
        assert new_company.count(table) == 0, table


def test_training_on_too_few_invoices_says_so_and_leaves_no_model(new_company: Company):
    new_company.succeed("validate_invoices")

    run = new_company.run("train_autoencoder")

    assert run.state == "failed"
    assert run.states["training_set"] == "failed"
    (failure,) = new_company.outbox("failure")
    assert "too few invoices" in failure["Subject"].lower()
    assert new_company.count("model_versions") == 0


def test_training_before_anything_is_loaded_says_so(new_company: Company):
    run = new_company.run("train_autoencoder")

    assert run.state == "failed"
    (failure,) = new_company.outbox("failure")
    assert "too few invoices" in failure["Subject"].lower()


def test_no_model_judges_what_it_was_trained_on(company: Company):
    run = company.run("score_invoices", HISTORY[1])

    assert run.state == "failed"
    assert "it would be judged by its own future" in words(company.outbox("failure")[0])
    assert company.count("scores") == 0


def test_a_second_model_is_kept_beside_and_judges_a_night_only_when_named(night_later: Company):
    ((champion,),) = night_later.rows("SELECT version FROM invoice_anomalies.model_versions WHERE status = 'champion'")
    before = night_later.tables()

    night_later.succeed("train_autoencoder", HISTORY[1], promote="never")
    ((second,),) = night_later.rows("SELECT version FROM invoice_anomalies.model_versions WHERE status = 'rejected'")
    night_later.succeed("score_invoices")
    assert night_later.tables()["scores"] == before["scores"], "the champion still judges"
    night_later.succeed("score_invoices", model_version=second)

    loaded = night_later.count("invoices", NIGHT)
    by_version = night_later.rows("SELECT model_version, count(*) FROM invoice_anomalies.scores GROUP BY 1 ORDER BY 1")
    assert by_version == [(champion, loaded), (second, loaded)]
    assert set(before["scores"]) < set(night_later.tables()["scores"])


def test_a_model_that_is_not_there_is_named(night_later: Company):
    run = night_later.run("score_invoices", model_version="20200101")

    assert run.states["plan"] == "failed"
    assert "there is no model '20200101'" in words(night_later.outbox("failure")[0])
