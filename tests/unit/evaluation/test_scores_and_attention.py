"""Scores, yardsticks and attention summaries against numbers worked out by hand."""

import dataclasses
from itertools import chain

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_up import columns
from scipy import stats

from noisynames.evaluation.attention import (
    ATTENTION_COLUMNS,
    _clusters,
    _occlusion,
    by_position,
    seed_agreement,
    summarise,
)
from noisynames.evaluation.inference import predict
from noisynames.evaluation.jobs import columns_of
from noisynames.evaluation.scores import Predictions, score
from noisynames.grid import SCORE_TABLES
from noisynames.mistakes import most_confident
from noisynames.models.spec import ModelSpec, TrainedModel
from noisynames.models.weights import initial_parameters
from noisynames.names.alphabet import alphabet_of, symbol_counts
from noisynames.names.examples import Examples
from noisynames.names.splits import Split, yardsticks

LANGUAGES = ["a", "b", "c"]
ROWS = [
    # language, name, prediction, rank, loss
    ("a", "u", "a", 1, 0.1),
    ("a", "v", "a", 1, 0.3),
    ("a", "w", "b", 2, 2.0),
    ("a", "x", "b", 4, 4.0),
    ("b", "y", "b", 1, 0.5),
    ("c", "z", "a", 3, 1.5),
]


def predictions(rows: list[tuple[str, str, str, int, float]] = ROWS) -> Predictions:
    """Predictions under noise 5, each with a probability of 0.9."""
    language, name, prediction, rank, loss = zip(*rows, strict=True)
    return Predictions(
        seed=0,
        noises=["5"],
        languages=LANGUAGES,
        names=[*zip(language, name, strict=True)],
        targets=np.array([LANGUAGES.index(label) for label in language]),
        prediction=np.array([[LANGUAGES.index(label) for label in prediction]]),
        probability=np.full((1, len(rows)), 0.9),
        rank=np.array([rank]),
        loss=np.array([loss]),
    )


def scored(seeds: list[Predictions]) -> dict[str, pd.DataFrame]:
    return {name: pd.DataFrame(table) for name, table in score(seeds, "5").items()}


def test_accuracies_by_hand() -> None:
    scores = scored([predictions()])
    by_language = scores["recall"].set_index("language")
    assert by_language["recall"].to_dict() == {"a": 0.5, "b": 1.0, "c": 0.0}
    assert by_language["precision"].to_dict() == pytest.approx({"a": 2 / 3, "b": 1 / 3, "c": 0.0})
    assert by_language["f1"].to_dict() == pytest.approx({"a": 4 / 7, "b": 0.5, "c": 0.0})
    (row,) = scores["accuracy"].to_dict("records")
    assert row["accuracy"] == pytest.approx(3 / 6)
    assert row["macro_accuracy"] == pytest.approx((0.5 + 1 + 0) / 3)
    assert row["macro_top3"] == pytest.approx((0.75 + 1 + 1) / 3)
    assert row["macro_f1"] == pytest.approx((4 / 7 + 0.5) / 3)
    assert row["loss"] == pytest.approx(8.4 / 6)
    assert row["macro_loss"] == pytest.approx((6.4 / 4 + 0.5 + 1.5) / 3)


def test_languages_keep_their_order_whatever_the_order_of_the_names() -> None:
    scores = scored([predictions(ROWS[::-1])])
    assert scores["recall"]["language"].tolist() == ["a", "b", "c"]
    assert scores["recall"]["recall"].tolist() == [0.5, 1.0, 0.0]


def test_confusion_rows_sum_to_one() -> None:
    table = scored([predictions()])["confusion"]
    assert table.groupby("language")["share"].sum().tolist() == pytest.approx([1, 1, 1])
    cell = table[(table["language"] == "a") & (table["prediction"] == "b")]
    assert cell["share"].tolist() == [0.5]


def test_scores_cover_all_seeds_and_mistakes_the_training_noise() -> None:
    """Under noise 0, a seed says c for every name."""
    own = predictions()
    both = dataclasses.replace(
        own,
        noises=["0", "5"],
        prediction=np.concatenate([np.full((1, 6), 2), own.prediction]),
        rank=np.concatenate([np.full((1, 6), 9), own.rank]),
        loss=np.concatenate([own.loss, own.loss]),
        probability=np.full((2, 6), 0.9),
    )
    surer = dataclasses.replace(both, seed=1, probability=both.probability.copy())
    surer.probability[1, 2] = 0.95
    scores = scored([both, surer])
    assert set(scores) == set(SCORE_TABLES)
    assert scores["accuracy"]["seed"].tolist() == [0, 0, 1, 1]
    assert scores["accuracy"]["tested_at"].tolist() == ["0", "5", "0", "5"]
    assert scores["accuracy"]["accuracy"].tolist() == [0, 0.5, 0, 0.5]
    assert len(scores["recall"]) == 4 * 3
    confusion = scores["confusion"].set_index(["tested_at", "language", "prediction"])["share"]
    assert confusion["5", "a", "b"] == 0.5
    assert confusion["0", "a", "c"] == 1.0
    mistakes = scores["mistakes"]
    assert mistakes["name"].tolist() == ["w", "x", "z"]
    assert mistakes["language"].tolist() == ["a", "a", "c"]
    assert mistakes["prediction"].tolist() == ["b", "b", "a"]
    assert mistakes["probability"].tolist() == [0.95, 0.9, 0.9]
    assert mistakes["seeds"].tolist() == [2, 2, 2]
    assert mistakes["held_out"].tolist() == [2, 2, 2]


@given(st.lists(st.dictionaries(st.integers(0, 30), st.sampled_from([0.7, 0.8, 0.9])), max_size=4))
def test_the_most_confident_mistakes_are_those_of_all_seeds(seeds: list[dict[int, float]]) -> None:
    """Among many with equal probabilities, as a model's are once rounded."""
    wrong = [[(f"N{n:02}", "a", "b", p) for n, p in seed.items()] for seed in seeds]
    found = most_confident([([name for name, *_ in each], each) for each in wrong])
    of_name: dict[str, list[float]] = {}
    for name, _, _, probability in chain(*wrong):
        of_name.setdefault(name, []).append(probability)
    expected = sorted((-max(of), name) for name, of in of_name.items())[:12]
    assert [(-each.probability, each.name) for each in found] == expected
    assert [each.seeds for each in found] == [len(of_name[name]) for _, name in expected]
    assert [each.held_out for each in found] == [each.seeds for each in found]


def test_without_runs_the_scores_have_the_same_columns() -> None:
    whole = scored([predictions()])
    for name, table in scored([]).items():
        assert table.empty
        assert sorted(table.columns) == sorted(whole[name].columns), name


def test_yardsticks_by_hand() -> None:
    """`Li` is in both languages: an answer is right for only one of its two rows."""
    split = Split(
        train=[("a", "Roe"), ("b", "Poe")],
        test=[("a", "Li"), ("a", "Ann"), ("a", "Bo"), ("b", "Li")],
    )
    assert yardsticks(split) == pytest.approx(
        {
            "chance": 1 / 2,
            "majority": 3 / 4,
            "ceiling": 3 / 4,
            "macro_ceiling": (2 / 3 + 1) / 2,  # answer b for Li: 2 of 3 and 1 of 1
            "leaked": 0,
        }
    )


def test_a_leak_is_counted() -> None:
    assert yardsticks(Split([("a", "Li"), ("b", "Poe")], [("a", "Li"), ("b", "Bo")]))["leaked"] == 1


def attention() -> pd.DataFrame:
    weights = {"Ab": [0.2, 0.5, 0.2, 0.1], "Xyz": [0.0, 0.25, 0.75]}
    occlusion = {"Ab": [1, 3, 2, 0], "Xyz": [2, 1, 0]}
    noise = {"Ab": [0, 0, 1, 1], "Xyz": [0, 0, 0]}
    return pd.DataFrame(
        {
            "noise": "5",
            "seed": 0,
            "language": "a",
            "name": name,
            "position": i,
            "character": "?",
            "weight": weight,
            "is_noise": noise[name][i],
            "occlusion": occlusion[name][i],
        }
        for name, row in weights.items()
        for i, weight in enumerate(row)
    )


def test_attention_summaries_by_hand() -> None:
    (row,) = pd.DataFrame(summarise(columns(attention()))).to_dict("records")
    assert row["last_character"] == pytest.approx((0.1 + 0.75) / 2)
    assert row["last_letter"] == pytest.approx((0.5 + 0.75) / 2)
    assert row["on_noise"] == pytest.approx((0.3 + 0) / 2)
    assert row["noise_share"] == pytest.approx((0.5 + 0) / 2)
    first = -sum(w * np.log(w) for w in (0.2, 0.5, 0.2, 0.1)) / np.log(4)
    second = -sum(w * np.log(w) for w in (0.25, 0.75)) / np.log(3)
    assert row["entropy"] == pytest.approx((first + second) / 2, abs=1e-6)
    # Ranks 2.5 4 2.5 1 against 2 4 3 1, and 1 2 3 against 3 2 1.
    spearman = stats.spearmanr([0.2, 0.5, 0.2, 0.1], [1, 3, 2, 0]).statistic
    assert row["occlusion_agreement"] == pytest.approx((spearman - 1) / 2)


def test_a_name_of_two_characters_has_an_entropy_and_an_agreement_and_one_of_one_has_not() -> None:
    long, short = attention().query("name == 'Xyz'"), attention().query("name == 'Ab'")
    two = short[:2].assign(weight=[0.25, 0.75])
    one = short[:1].assign(name="O", weight=1.0)
    keys = ["entropy", "occlusion_agreement"]

    def of(names: pd.DataFrame) -> list[float]:
        return [summarise(columns(names))[key].item() for key in keys]

    assert of(two) == pytest.approx([-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)) / np.log(2), 1])
    assert of(pd.concat([long, one])) == of(long)


def test_attention_summaries_are_means_over_the_names_of_each_noise() -> None:
    rng = np.random.default_rng(0)
    rows, expected = [], {}
    for noise in ("5", "10"):
        found = []
        for name in range(9):
            T = 1 + name % 6
            weight, occlusion = rng.integers(1, 4, T) / 8, rng.integers(0, 3, T) / 4  # with ties
            is_noise = (np.arange(T) >= name // 2).astype(int)
            rows += [
                (3, noise, "a", f"N{name}", i, "?", weight[i], is_noise[i], occlusion[i])
                for i in range(T)
            ]
            varied = T > 1 and np.ptp(weight) > 0 and np.ptp(occlusion) > 0
            letters = weight[is_noise == 0]
            entropy = -(weight * np.log(weight)).sum()
            found.append(
                {
                    "last_character": weight[-1],
                    "last_letter": letters[-1] if len(letters) else 0,
                    "on_noise": weight[is_noise == 1].sum(),
                    "noise_share": is_noise.mean(),
                    "entropy": min(1, entropy / np.log(T)) if T > 1 else np.nan,
                    "occlusion_agreement": (
                        stats.spearmanr(weight, occlusion).statistic if varied else np.nan
                    ),
                }
            )
        expected[noise] = pd.DataFrame(found).mean().to_dict()
    table = pd.DataFrame(summarise(columns_of(rows, ATTENTION_COLUMNS)))
    assert table["tested_at"].tolist() == ["10", "5"]
    assert table["seed"].tolist() == [3, 3]
    for noise, means in expected.items():
        (row,) = table[table["tested_at"] == noise].to_dict("records")
        assert {key: row[key] for key in means} == pytest.approx(means), noise


def test_occlusion_is_the_loss_from_leaving_out_a_character() -> None:
    spec = ModelSpec("gru", "attention", 8)
    model = TrainedModel(spec, initial_parameters(spec, 57, 3, 0), 3)
    names = ["Roe", "O", "Smith"]
    examples = Examples.of_names([("a", name) for name in names], ["a", "b", "c"])
    log_probabilities, _ = predict(model, examples)
    expected = []
    for name, row in zip(names, log_probabilities, strict=True):
        for i in range(len(name)):
            if len(name) == 1:
                expected.append(0.0)
                continue
            shorter = Examples.of_names([("a", name[:i] + name[i + 1 :])], ["a", "b", "c"])
            expected.append(row.max() - predict(model, shorter)[0][0, row.argmax()])
    np.testing.assert_allclose(
        _occlusion(model, examples, log_probabilities, np.arange(9)), expected, atol=1e-6
    )


def test_letters_with_marks_are_left_out_whole() -> None:
    """With noise between a letter and its mark, or in the letter's place, the mark is separate."""
    names = ["निशा", "王", "Ab"]
    alphabet = alphabet_of(symbol_counts(names), 1, ".")
    spec = ModelSpec("gru", "attention", 8)
    model = TrainedModel(spec, initial_parameters(spec, len(alphabet), 2, 0), 2)

    def of(*texts: str) -> Examples:
        return Examples.of_names([("a", text) for text in texts], ["a", "b"], alphabet)

    examples = of(*names)
    clusters = _clusters(examples)
    assert clusters.tolist() == [0, 0, 1, 1, 2, 3, 4]
    log_probabilities, _ = predict(model, examples)
    found = _occlusion(model, examples, log_probabilities, clusters)
    without = predict(model, of("शा", "नि", "b", "A"))[0]
    best = log_probabilities.argmax(1)
    expected = [log_probabilities[i, best[i]] - row[best[i]]
                for i, row in zip([0, 0, 2, 2], without, strict=True)]  # fmt: skip
    np.testing.assert_allclose(found, [*expected[:2], 0, *expected[2:]], atol=1e-6)

    torn = Examples(
        alphabet.encode("न.ि"), np.array([0, 3]), np.array([0]), np.array([0, 1, 0], bool), alphabet
    )
    assert _clusters(torn).tolist() == [0, 1, 2]
    apart = of("Ab", "न", "ि")
    assert _clusters(apart).tolist() == [0, 1, 2, 3], "a name begins with a character of its own"
    jamo = alphabet_of({}, 1, "\u1100\u1161")  # a vowel that would join the consonant before it
    joined = Examples.of_names([("a", "\u1100\u1161")], ["a"], jamo)
    assert _clusters(joined).tolist() == [0, 0]
    noisy = dataclasses.replace(joined, is_noise=np.array([False, True]))
    assert _clusters(noisy).tolist() == [0, 1]


def test_seeds_agree_where_their_weights_run_alike() -> None:
    quiet = attention().query("name == 'Xyz'").assign(noise="0")
    same = pd.concat([quiet, quiet.assign(seed=1)])
    assert seed_agreement(columns(same))["agreement"].tolist() == pytest.approx([1])
    reverse = pd.concat([quiet, quiet.assign(seed=1, weight=quiet["weight"].to_numpy()[::-1])])
    assert seed_agreement(columns(reverse))["agreement"].item() < 0
    assert not len(seed_agreement(columns(quiet))["agreement"])
    noisy = same.assign(is_noise=(same["position"] == 2).astype(int))
    assert not len(seed_agreement(columns(noisy))["agreement"]), "with one noise character each"


def test_attention_by_position_counts_from_the_end() -> None:
    table = pd.DataFrame(by_position(columns(attention()))).set_index("from_end")
    assert table["weight"].to_dict() == pytest.approx({0: 0.425, 1: 0.225, 2: 0.25, 3: 0.2})
    assert table["names"].to_dict() == {0: 2, 1: 2, 2: 2, 3: 1}
