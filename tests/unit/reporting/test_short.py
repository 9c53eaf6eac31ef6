"""The sentences of the first screen, for made-up outcomes."""

import re
from typing import Any

from made_up import RATES, noisy, placed, quiet

from noisynames.reporting import shortly
from noisynames.reporting.headlines.short import ShortAnswer


def told(accuracy: dict[str, tuple[float, float]], **more: Any) -> str:
    """The short answer for models of these accuracies without noise and under it, as one text."""
    return " ".join(shortly.answer(*noisy(accuracy, **more)).sentences).replace("\u00a0", " ")


def of_batches(small: float, large: float) -> ShortAnswer:
    models = {"one": {"cell": "gru"}, "b8": {"cell": "gru", "batch_size": 8}}
    return shortly.answer(*quiet(models, {"one": small, "b8": large}))


def test_a_single_best_model_is_named_with_its_lead_and_interval() -> None:
    text = told({"rnn": (0.48, 0.26), "gru": (0.56, 0.47), "lstm": (0.52, 0.4)})
    assert "Without noise, GRU is the best model: it recognises 56 % of the held-out names" in text
    assert "names, 4 points more than the next, LSTM (95 % interval 3." in text
    assert "Under noise 5 (0 to 6 junk characters after the name), GRU is the best model" in text


def test_several_that_do_equally_well_are_named_in_the_order_of_the_config() -> None:
    text = told({"rnn": (0.48, 0.3), "gru": (0.56, 0.5), "lstm": (0.56, 0.5)}, spread=0.002)
    assert "GRU and LSTM do equally well for practical purposes (56 % of the" in text
    assert "held-out names); RNN follows" in text


def test_what_seeds_share_is_not_said_to_be_drawn_by_each_seed() -> None:
    accuracy = {"rnn": (0.48, 0.3), "gru": (0.56, 0.5)}
    assert "each splits the names anew and draws its own noise" in told(accuracy)
    findings, config = noisy(accuracy)
    config["models"]["rnn"]["seeds_vary"] = ["weights"]
    assert "All numbers are means over 10 seeds." in shortly.answer(findings, config).sentences


def test_where_nothing_is_detected_no_model_is_best() -> None:
    text = told({"rnn": (0.5, 0.5), "gru": (0.52, 0.5)}, spread=0.1)
    assert "Without noise, no model is best beyond doubt: they recognise from" in text


def test_the_models_that_noise_costs_most_and_least_are_named() -> None:
    text = told({"rnn": (0.6, 0.3), "gru": (0.6, 0.55), "lstm": (0.6, 0.5)})
    assert "Noise costs RNN most, 30 points, and GRU least, 5 points." in text


def test_models_whose_loss_to_noise_cannot_be_told_apart_are_named_together() -> None:
    text = told({"rnn": (0.6, 0.3), "gru": (0.6, 0.5), "lstm": (0.6, 0.3)}, spread=0.02)
    assert "Noise costs LSTM and RNN most, 31 to 32 points, and GRU least, 10 points." in text
    text = told({"rnn": (0.6, 0.3), "gru": (0.6, 0.5), "lstm": (0.6, 0.5)}, spread=0.02)
    assert re.search("costs RNN most, 31 points, and (LSTM and GRU|GRU and LSTM) least, 1", text)


def test_where_no_model_is_told_apart_noise_costs_none_most() -> None:
    text = told({"rnn": (0.6, 0.4), "gru": (0.6, 0.4)}, spread=0.03)
    assert re.search("costs a model up to .. points; which it costs most is not beyond", text)


def test_noise_that_costs_nothing_is_reported_so() -> None:
    text = told({"rnn": (0.5, 0.5), "gru": (0.6, 0.6)}, spread=0.05)
    assert "Noise costs no model accuracy beyond doubt." in text


def test_if_noise_changes_the_order_both_leaders_are_named() -> None:
    text = told({"rnn": (0.6, 0.3), "gru": (0.5, 0.45)})
    assert "Without noise, RNN is the best model" in text
    assert "after the name), GRU is the best model" in text


def test_a_misleading_loss_is_reported() -> None:
    text = told({"rnn": (0.4, 0.3), "gru": (0.6, 0.5)}, loss={"rnn": 0.6, "gru": 1.2})
    assert "A low training loss misleads: without noise it is lowest for RNN (0.2" in text
    assert "which is last on new names." in text
    assert "misleads" not in told({"rnn": (0.4, 0.3), "gru": (0.6, 0.5)})


def test_a_simpler_method_that_does_better_is_reported() -> None:
    models = {"rnn": (0.4, 0.3), "gru": (0.6, 0.5)}
    text = told(models, ngrams=0.7)
    assert "n-grams recognises 70 % without noise and 70 % under noise 5." in text
    assert "simpler" not in told(models, ngrams=0.3)


def test_with_one_seed_nothing_is_said_to_be_tested() -> None:
    text = told({"rnn": (0.4, 0.3), "gru": (0.6, 0.5)}, seeds=1)
    assert "One seed only, so nothing here can be tested." in text
    assert "best" not in text.replace("no model is best", "")


def test_diverged_and_missing_runs_are_said_to_be_left_out() -> None:
    lost = {("rnn", "5", 0): "diverged", ("rnn", "5", 1): "missing", ("gru", "0", 3): "missing"}
    text = told({"rnn": (0.4, 0.3), "gru": (0.6, 0.5)}, lost=lost)
    assert "; left out: 1 diverged run and 2 missing runs." in text


def test_one_model_and_one_noise_also_make_a_sentence() -> None:
    found = shortly.answer(*quiet({"gru": {"cell": "gru"}}, {"gru": 0.6}))
    assert found.figure == "headline_noise"
    assert found.sentences[0].replace("\u00a0", " ") == (
        "Without noise, GRU recognises 60 % of the held-out names."
    )
    assert not any("noise 5" in sentence for sentence in found.sentences)


def test_an_experiment_on_placements_leads_with_where_noise_costs() -> None:
    found = shortly.answer(*placed([0.6, 0.3, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5]))
    assert found.figure == "headline_placement"
    assert found.sentences[0].startswith("Noise costs RNN only when it comes last")
    assert any("costs a model at most 30 points after the name" in s for s in found.sentences)


def test_an_experiment_on_rates_leads_with_whether_the_ranking_holds() -> None:
    best = {"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.7}
    kept = shortly.answer(*quiet(RATES, {**best, "gru_fast": 0.65}, validation=best))
    assert kept.figure == "card_rates"
    assert kept.sentences[0].startswith("The ranking by accuracy holds at each model's own best")
    turned = shortly.answer(*quiet(RATES, {**best, "gru_fast": 0.4}, validation=best))
    assert turned.sentences[0].startswith("Only part of the ranking holds")
    assert "of 1 differences in accuracy, 0 stay, 1 reversed" in turned.sentences[0]


def test_an_experiment_on_batches_leads_with_their_cost() -> None:
    found = of_batches(0.6, 0.5)
    assert found.figure == "card_batches"
    assert (
        found.sentences[0]
        .replace("\u00a0", " ")
        .startswith("Without noise, batches of 8 names instead of 1 make accuracy 10.")
    )
