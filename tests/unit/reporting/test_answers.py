"""What the report answers to runs whose outcome is made up."""

from typing import Any

import numpy as np
import pytest
from made_up import MODELS, RATES, placed, quiet

from noisynames.reporting import questions
from noisynames.reporting.answers import study
from noisynames.reporting.answers.study import Answer


def said_of_placement(rnn: list[float], gru: list[float]) -> list[str]:
    """What is said of each model, for accuracies at 0, 5, 5-prefix and 5-scattered."""
    third = questions.answer_all(*placed(rnn, gru))[2]
    return [s for s in third.sentences if s.startswith(("rnn: ", "gru: "))]


def answers_of(models: dict[str, Any], accuracy: dict[str, float], **more: Any) -> list[Answer]:
    """The answers for models of these accuracies at noise 0."""
    return questions.answer_all(*quiet(models, accuracy, **more))


def test_answers_come_in_the_order_of_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(study.QUESTIONS)
    monkeypatch.setattr(study, "QUESTIONS", known)
    monkeypatch.setattr(questions, "QUESTIONS", known)
    before = [a.question for a in answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})]
    assert len(before) == 7, "the worksheet's; there are no rates to choose from"
    study.question(place=1.5)(lambda it: Answer("New?", "yes", [], "runs", None))
    study.question(place=2.5)(lambda it: None)
    after = [a.question for a in answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})]
    assert after == [before[0], "New?", *before[1:]]
    with pytest.raises(ValueError, match="two questions have the place 2"):
        study.question(place=2)(lambda it: None)


def test_a_loss_behind_the_name_alone_is_one_of_memory() -> None:
    rnn, gru = said_of_placement([0.6, 0.3, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5])
    assert "loses only where noise stands last, so its loss is one of memory" in rnn
    assert "not detectably more where noise stands last" in gru


def test_a_loss_everywhere_but_most_behind_is_partly_one_of_memory() -> None:
    rnn, gru = said_of_placement([0.6, 0.3, 0.5, 0.5], [0.6, 0.6, 0.6, 0.6])
    assert "loses most where noise stands last" in rnn
    assert "the same for practical purposes" in gru


def test_what_is_left_of_a_gradient_is_told() -> None:
    third = questions.answer_all(*placed([0.6] * 4, [0.6] * 4))[2]
    assert third.sentences[-1].endswith("after 4 characters, rnn 0.06; gru 0.06 of it is left.")


def test_each_lstm_is_said_to_differ_from_those_that_it_differs_from() -> None:
    models = MODELS | {"lstm": {"cell": "lstm"}, "deep": {"cell": "gru", "num_layers": 2}}
    accuracy = {"rnn": 0.5, "gru": 0.5, "lstm": 0.5, "deep": 0.7}
    verdict = answers_of(models, accuracy)[5].verdict
    assert verdict == "lstm: 2 of 6 differences detected; deep: 6 of 6 differences detected"


def test_an_lstm_at_another_rate_is_no_further_model_to_tell_of() -> None:
    models = MODELS | {"lstm": {"cell": "lstm"}, "fast": {"cell": "lstm", "learning_rate": 0.08}}
    accuracy = {"rnn": 0.5, "gru": 0.5, "lstm": 0.7, "fast": 0.1}
    verdict = answers_of(models, accuracy)[5].verdict
    assert verdict == "lstm: 4 of 4 differences detected; several layers not tested"


def test_an_lstm_alone_is_not_tested() -> None:
    answer = answers_of({"lstm": {"cell": "lstm"}}, {"lstm": 0.5})[5]
    assert answer.verdict == "several layers not tested; LSTM not tested"
    assert answer.sentences[1] == "lstm: there is nothing to compare with."


def test_a_budget_is_of_examples_where_an_update_takes_several() -> None:
    first = answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})[0]
    assert first.sentences[0].startswith("After 80,000 updates at noise 0")
    batched = {"rnn": {"cell": "rnn"}, "gru": {"cell": "gru", "batch_size": 8}}
    first = answers_of(batched, {"rnn": 0.5, "gru": 0.5})[0]
    assert first.sentences[0].startswith("After 80,000 examples at noise 0")


def test_a_ranking_that_the_best_rates_turn_is_told_to_be_reversed() -> None:
    answer = answers_of(
        RATES,
        {"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.4},
        validation={"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.7},
    )[-1]
    assert "accuracy at noise 0: 0 of 1 differences kept, 1 reversed" in answer.verdict
    beyond = [s for s in answer.sentences if "beyond" in s]
    assert len(beyond) == 2
    assert beyond[0].startswith("rnn took the smallest rate that was tried, 0.005, in 10 of 10")
    assert beyond[1].startswith("gru took the largest rate that was tried, 0.1, in 10 of 10")


def test_a_rate_below_one_that_diverged_is_not_the_largest_tried() -> None:
    models = RATES | {"gru_wild": {"cell": "gru", "learning_rate": 0.5}}
    accuracy = dict.fromkeys(RATES, 0.5) | {"gru_wild": np.nan}
    validation = {"rnn": 0.3, "rnn_fast": 0.5, "gru": 0.3, "gru_fast": 0.5}
    answer = answers_of(models, accuracy, validation=validation)[-1]
    (sentence,) = [s for s in answer.sentences if "beyond" in s]
    assert sentence.startswith("rnn took the largest rate that was tried, 0.1, in 10 of 10")


def test_without_validation_names_the_best_rate_is_not_tested() -> None:
    assert answers_of(RATES, dict.fromkeys(RATES, 0.5))[-1].verdict == "not tested"
