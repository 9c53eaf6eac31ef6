"""The report's answers for runs with made-up outcomes."""

from typing import Any

import numpy as np
import pytest
from made_up import MODELS, RATES, noisy, placed, quiet

from noisynames.reporting import questions
from noisynames.reporting.answers import study
from noisynames.reporting.answers.study import Answer, Unasked

Given = tuple[list[Answer], list[Unasked]]


def of_placement(rnn: list[float], gru: list[float]) -> Answer:
    """The third answer, for accuracies at 0, 5, 5-prefix and 5-scattered."""
    return answer_about("conclusions", questions.answer_all(*placed(rnn, gru)))


def answer_about(words: str, given: Given) -> Answer:
    """The answer to the only question with these words."""
    (found,) = [answer for answer in given[0] if words in answer.question]
    return found


def answers_of(models: dict[str, Any], accuracy: dict[str, float], **more: Any) -> Given:
    """The answers for models of these accuracies at noise 0."""
    return questions.answer_all(*quiet(models, accuracy, **more))


def test_answers_come_in_the_order_of_their_places(monkeypatch: pytest.MonkeyPatch) -> None:
    known = dict(study.QUESTIONS)
    monkeypatch.setattr(study, "QUESTIONS", known)
    monkeypatch.setattr(questions, "QUESTIONS", known)
    before = [a.question for a in answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})[0]]
    study.question(place=1.5)(lambda it: Answer("New?", "yes", [], "runs", None))
    study.question(place=2.5)(lambda it: None)
    after = [a.question for a in answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})[0]]
    assert after == [before[0], "New?", *before[1:]]
    with pytest.raises(ValueError, match="two questions have the place 2"):
        study.question(place=2)(lambda it: None)


def test_unasked_questions_are_separate_with_the_command_that_asks_them() -> None:
    answers, unasked = answers_of(MODELS, {"rnn": 0.5, "gru": 0.6})
    assert [a.question for a in answers] == [
        "How do the models compare in the efficiency of training? Is there an empirical reason to "
        "prefer the GRU or attention over the plain RNN?",
        "On held-out names, unseen in training, do the models differ in accuracy?",
    ]
    commands = {u.question: u.command for u in unasked}
    assert len(commands) == 5
    assert commands["What do larger batches change?"] == (
        "snakemake --cores 4 --configfile config/batching.yaml"
    )


def test_no_line_has_more_than_twenty_words() -> None:
    for findings in (
        noisy({"rnn": (0.5, 0.2), "gru": (0.56, 0.4), "lstm": (0.55, 0.3), "deep": (0.5, 0.3)}),
        noisy({"rnn": (0.5, 0.5), "gru": (0.5, 0.5)}, spread=0.05),
        placed([0.6, 0.3, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5]),
        quiet(RATES, dict.fromkeys(RATES, 0.5), validation=dict.fromkeys(RATES, 0.5)),
    ):
        for answer in questions.answer_all(*findings)[0]:
            assert len(answer.line.split()) <= 20, answer.line
            assert len(answer.why) <= 2


def test_the_lowest_training_loss_is_attributed_to_memorised_names() -> None:
    given = questions.answer_all(
        *noisy({"rnn": (0.4, 0.2), "gru": (0.6, 0.5)}, loss={"rnn": 0.5, "gru": 1.2})
    )
    answer = answer_about("efficiency", given)
    assert answer.line.startswith("Not in training: RNN reaches the lowest loss, 0.1")
    assert "RNN also has the widest gap" in answer.why[0]


def test_an_order_that_noise_changes_is_reported() -> None:
    given = questions.answer_all(*noisy({"rnn": (0.6, 0.3), "gru": (0.5, 0.45)}))
    answer = answer_about("conclusions", given)
    assert answer.line == "Yes: by training loss RNN leads without noise, GRU under noise 5."


def test_differences_that_noise_only_stretches_reverse_nothing() -> None:
    given = questions.answer_all(*noisy({"rnn": (0.6, 0.5), "gru": (0.7, 0.68)}))
    answer = answer_about("conclusions", given)
    assert answer.line == "Differences change in size; no order is reversed beyond doubt."


def test_a_loss_only_from_noise_after_the_name_is_one_of_memory() -> None:
    rnn, gru = of_placement([0.6, 0.3, 0.6, 0.6], [0.6, 0.5, 0.5, 0.5]).why
    assert rnn.startswith("Noise costs RNN only when it comes last: they forget the name")
    assert gru == "Noise costs GRU no more after the name than elsewhere."


def test_a_loss_everywhere_but_most_after_the_name_is_partly_one_of_memory() -> None:
    why = of_placement([0.6, 0.3, 0.5, 0.5], [0.6, 0.6, 0.6, 0.6]).why
    assert why[0].startswith("Noise costs RNN most when it comes last")
    assert "GRU" not in why[0]


def test_what_is_left_of_a_gradient_is_reported() -> None:
    told = of_placement([0.6] * 4, [0.6] * 4).statistics
    assert told[-1].endswith("after 4 characters 0.06 of it is left.")


def test_an_lstm_is_compared_with_the_gru_and_a_deeper_one_with_it() -> None:
    given = questions.answer_all(
        *noisy({"gru": (0.5, 0.5), "lstm": (0.6, 0.5), "deep": (0.4, 0.5)})
    )
    line = answer_about("LSTM", given).line
    assert line.startswith("LSTM against GRU: 10.")
    assert "points higher; LSTM (2 layers) against LSTM: 19." in line


def test_an_lstm_at_another_rate_is_not_another_model() -> None:
    models = MODELS | {"lstm": {"cell": "lstm"}, "fast": {"cell": "lstm", "learning_rate": 0.08}}
    accuracy = {"rnn": 0.5, "gru": 0.5, "lstm": 0.7, "fast": 0.1}
    told = answer_about("LSTM", answers_of(models, accuracy)).statistics
    assert len(told) == 4
    assert not any("0.08" in sentence for sentence in told)


def test_an_lstm_alone_has_nothing_to_compare_with() -> None:
    _, unasked = answers_of({"lstm": {"cell": "lstm"}}, {"lstm": 0.5})
    assert "no LSTM or deeper model is compared here" in [u.why for u in unasked]


def test_a_budget_counts_names_where_an_update_takes_several() -> None:
    first = answers_of(MODELS, {"rnn": 0.5, "gru": 0.5})[0][0]
    assert first.statistics[0].startswith("After 80,000 updates without noise")
    batched = {"rnn": {"cell": "rnn"}, "gru": {"cell": "gru", "batch_size": 8}}
    first = answers_of(batched, {"rnn": 0.5, "gru": 0.5})[0][0]
    assert first.statistics[0].startswith("After 80,000 names without noise")


def test_batches_are_compared_with_the_model_that_differs_only_in_them() -> None:
    models = MODELS | {"b8": {"cell": "gru", "batch_size": 8, "learning_rate": 0.04}}
    answer = answer_about("batches", answers_of(models, {"rnn": 0.9, "gru": 0.5, "b8": 0.6}))
    assert answer.line.startswith("Batches of 8: accuracy 10.")
    assert "points higher without noise." in answer.line


def test_a_sweep_is_reported_from_its_smallest_to_its_largest() -> None:
    models = {f"h{n}": {"cell": "gru", "hidden_size": n} for n in (8, 16, 32)}
    answer = answer_about("hidden size", answers_of(models, {"h8": 0.4, "h16": 0.7, "h32": 0.6}))
    assert answer.line == (
        "From 8 to 32, accuracy without noise goes from 40\u00a0% to 60\u00a0%; the highest is "
        "70\u00a0% at 16."
    )
    assert answer.statistics[0].startswith("16 instead of 8, accuracy without noise: +29.8")


def test_a_ranking_that_the_best_rates_reverse_is_reported_as_reversed() -> None:
    answer = answer_about(
        "best rate",
        answers_of(
            RATES,
            {"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.4},
            validation={"rnn": 0.5, "rnn_fast": 0.3, "gru": 0.6, "gru_fast": 0.7},
        ),
    )
    assert answer.line == "0 of 1 differences in accuracy without noise stay, 1 is reversed."
    beyond = [s for s in answer.statistics if "beyond" in s]
    assert len(beyond) == 2
    assert beyond[0].startswith("RNN took the smallest rate that was tried, 0.005, in 10 of 10")
    assert beyond[1].startswith("GRU took the largest rate that was tried, 0.1, in 10 of 10")


def test_a_rate_below_one_that_diverged_is_not_the_largest_tried() -> None:
    models = RATES | {"gru_wild": {"cell": "gru", "learning_rate": 0.5}}
    accuracy = dict.fromkeys(RATES, 0.5) | {"gru_wild": np.nan}
    validation = {"rnn": 0.3, "rnn_fast": 0.5, "gru": 0.3, "gru_fast": 0.5}
    answer = answer_about("best rate", answers_of(models, accuracy, validation=validation))
    (sentence,) = [s for s in answer.statistics if "beyond" in s]
    assert sentence.startswith("RNN took the largest rate that was tried, 0.1, in 10 of 10")


def test_without_validation_names_the_best_rate_is_not_a_question() -> None:
    _, unasked = answers_of(RATES, dict.fromkeys(RATES, 0.5))
    assert "there are no validation names to choose a rate by" in [u.why for u in unasked]


def test_an_undecided_comparison_says_how_many_seeds_would_settle_it() -> None:
    given = questions.answer_all(
        *noisy({"lstm": (0.5, 0.5), "gru": (0.52, 0.52)}, spread=0.02, seeds=5)
    )
    told = answer_about("LSTM", given).statistics
    assert any("in all, would settle it" in sentence for sentence in told), told
