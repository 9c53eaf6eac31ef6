import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from noisynames import runs
from noisynames.errors import UserError
from noisynames.files import read_record
from noisynames.grid import RECORD, WEIGHTS
from noisynames.models.reference import Recurrence, load_classifier
from noisynames.models.spec import WORKSHEET_MODELS, ModelSpec
from noisynames.models.weights import initial_parameters
from noisynames.names import splits
from noisynames.names.examples import Examples, TrainingStream
from noisynames.names.noise import Noise
from noisynames.randomness import Seed
from noisynames.training.engines import chosen, engine_of
from noisynames.training.hyperparameters import Hyperparameters
from noisynames.training.progress import report_to
from noisynames.training.run import Progress, train

ENGINES = ["compiled", "autograd"]
SPLIT = splits.split_names(
    [(label, f"{label}{a}{b}") for label in ("Ba", "Do", "Mi") for a in "abcd" for b in "efgh"], 0
)
SHORT = Hyperparameters(updates=250, learning_rate=0.05, record_every=100)


def test_the_autograd_engine_equals_the_worksheets_loop() -> None:
    """One-hot tensors, one step per character, NLL, w -= rate * gradient: as in the worksheet."""
    spec = WORKSHEET_MODELS["rnn"]
    stream = TrainingStream(Examples.of_names(SPLIT.train, SPLIT.languages), Noise(5), 0)
    examples = stream.take(30)
    initial = initial_parameters(spec, 57, 3, 0)
    losses, _ = engine_of("autograd", spec)(
        spec, initial, Hyperparameters(learning_rate=0.005)
    ).advance(examples)

    module = load_classifier(spec, 57, 3, initial)
    assert isinstance(module.cell, Recurrence)
    linear = torch.nn.Linear(57 + 32, 32)
    linear.weight, linear.bias = module.cell.weight_l0, module.cell.bias_l0  # type: ignore[assignment]
    parameters = [*linear.parameters(), *module.output.parameters()]
    for i, loss in enumerate(losses):
        hidden = torch.zeros(1, 32)
        for character in examples[i]:
            one_hot = torch.zeros(1, 57)
            one_hot[0, character] = 1
            hidden = torch.tanh(linear(torch.cat((one_hot, hidden), 1)))
        output = torch.log_softmax(module.output(hidden), 1)
        expected = -output[0, examples.targets[i]]
        for parameter in parameters:
            parameter.grad = None
        expected.backward()  # type: ignore[no-untyped-call]
        with torch.no_grad():
            for parameter in parameters:
                assert parameter.grad is not None
                parameter.sub_(0.005 * parameter.grad)
        assert loss == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_run_records_interval_means_and_learns(engine: str) -> None:
    run = train(ModelSpec("gru", hidden_size=8), SPLIT, Noise(0), 0, SHORT, engine)
    assert [update for update, _ in run.losses] == [100, 200, 250]
    assert run.engine == engine
    assert run.status == "ok"
    longer = Hyperparameters(updates=3_000, learning_rate=0.05, record_every=1_000)
    losses = [
        loss for _, loss in train(ModelSpec("gru"), SPLIT, Noise(0), 0, longer, engine).losses
    ]
    assert losses[-1] < 0.2 * losses[0]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("model", ["rnn", "gru_attention"])
def test_divergence_is_recorded_with_its_update(engine: str, model: str) -> None:
    huge = Hyperparameters(updates=2_000, learning_rate=1e38, record_every=100)
    run = train(WORKSHEET_MODELS[model], SPLIT, Noise(0), 0, huge, engine)
    assert run.status == "diverged"
    assert run.diverged_at is not None
    assert 1 < run.diverged_at <= 100
    assert run.losses == []


@pytest.mark.parametrize("engine", ENGINES)
def test_what_was_recorded_before_a_divergence_stays(engine: str) -> None:
    huge = Hyperparameters(updates=50, learning_rate=1e38, record_every=1)
    run = train(WORKSHEET_MODELS["rnn"], SPLIT, Noise(0), 0, huge, engine)
    assert run.diverged_at is not None
    assert run.diverged_at > 2
    assert [update for update, _ in run.losses] == [*range(1, run.diverged_at)]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_a_run_reports_the_example_of_each_recorded_update(engine: str, batch_size: int) -> None:
    plan = Hyperparameters(updates=90, batch_size=batch_size, record_every=20)
    reports: list[Progress] = []
    run = train(ModelSpec("gru", hidden_size=4), SPLIT, Noise(5), 0, plan, engine, reports.append)
    names = Examples.of_names(SPLIT.train, SPLIT.languages)
    examples = TrainingStream(names, Noise(5), 0).take(90)
    for report, update in zip(reports, [20, 40, 60, 80, 90], strict=True):
        assert report.update == update
        assert report.name == examples.text(update - 1)
        assert report.language == SPLIT.languages[examples.targets[update - 1]]
        assert (report.update, report.loss) in run.losses


def test_auto_compiles_every_model_except_custom_ones() -> None:
    for spec in (ModelSpec("lstm", "attention", 4, 2, True), ModelSpec("transformer", "mean", 8)):
        initial = initial_parameters(spec, 57, 3, 0)
        assert engine_of("auto", spec)(spec, initial, SHORT).name == "compiled"
    own = ModelSpec("custom", module="mine:Mine")
    assert chosen("auto", own) == "autograd"
    with pytest.raises(UserError, match="'compiled' cannot train a custom module; 'auto' can"):
        chosen("compiled", own)
    with pytest.raises(UserError, match="'fused' is called 'compiled' now"):
        chosen("fused", spec)


def test_several_layers_train() -> None:
    run = train(ModelSpec("lstm", "last", 4, num_layers=2), SPLIT, Noise(2), 0, SHORT)
    assert run.status == "ok"
    assert "cell.weight_ih_l1" in run.parameters


def test_progress_prints_what_the_worksheets_loop_prints() -> None:
    stream = io.StringIO()
    plan = Hyperparameters(updates=20, record_every=5, report_every=10)
    with report_to(stream, "gru", plan) as report:
        for update in (5, 10, 15, 20):
            report(Progress(update, 20, 1.5, 2.25, "Roe;;", "Dutch", "Irish"))
    assert stream.getvalue().splitlines() == [
        "10 50% (1.5 s) 2.2500 Roe;; / Dutch ✗ (Irish)",
        "20 100% (1.5 s) 2.2500 Roe;; / Dutch ✗ (Irish)",
    ]


def test_on_a_terminal_a_bar_shows_the_rate_and_the_loss() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    with report_to(stream, "gru noise 5 seed 0", Hyperparameters(updates=20)) as report:
        report(Progress(20, 20, 1.5, 2.25, "Roe", "Irish", "Irish"))
    shown = stream.getvalue()
    assert "gru noise 5 seed 0" in shown
    assert "update/s" in shown
    assert "loss=2.2500" in shown


def test_weights_survive_their_file_and_damage_is_noticed(tmp_path: Path) -> None:
    spec = ModelSpec("gru", "attention", 4)
    run = train(spec, SPLIT, Noise(0), 0, SHORT)
    runs.write_run(tmp_path, run, spec, SHORT, SPLIT, "mine", Noise(), 0)
    record = read_record(tmp_path / RECORD)
    for name, values in runs.read_parameters(tmp_path, record).items():
        np.testing.assert_array_equal(values, run.parameters[name])
    weights = tmp_path / WEIGHTS
    weights.write_bytes(weights.read_bytes()[:-10])
    with pytest.raises(UserError, match=r"weights\.safetensors: truncated or altered"):
        runs.read_parameters(tmp_path, record)


@pytest.mark.parametrize("wrong", [{"updates": 0}, {"learning_rate": float("nan")}])
def test_impossible_hyperparameters_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(UserError, match=next(iter(wrong))):
        Hyperparameters(**wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("readout", ["last", "attention"])
def test_a_batch_is_one_update_with_the_mean_of_its_gradients(readout: str) -> None:
    """Compared with the mean of the changes that each example alone would make."""
    spec = ModelSpec("gru", readout, 6)
    stream = TrainingStream(Examples.of_names(SPLIT.train, SPLIT.languages), Noise(5), 0)
    examples = stream.take(8)
    initial = initial_parameters(spec, 57, 3, 0)
    plan = Hyperparameters(learning_rate=0.5, batch_size=8)
    batched = engine_of("autograd", spec)(spec, initial, plan)
    losses, _ = batched.advance(examples)
    steps, alone_losses = [], []
    for i in range(8):
        alone = engine_of("autograd", spec)(spec, initial, Hyperparameters(learning_rate=0.5))
        alone_losses.append(alone.advance(examples.select(np.array([i])))[0][0])
        steps.append({k: v - initial[k] for k, v in alone.parameters().items()})
    np.testing.assert_allclose(losses, alone_losses, atol=1e-6)
    for name, values in batched.parameters().items():
        expected = initial[name] + np.mean([step[name] for step in steps], axis=0)
        np.testing.assert_allclose(values, expected, atol=1e-6)


def test_batches_spend_the_same_budget_of_names() -> None:
    spec = ModelSpec("rnn", hidden_size=4)
    one = train(spec, SPLIT, Noise(2), 0, Hyperparameters(90, 1e-9, 40))
    eight = train(spec, SPLIT, Noise(2), 0, Hyperparameters(90, 1e-9, 40, batch_size=8))
    assert [update for update, _ in eight.losses] == [40, 80, 90]
    assert (one.engine, eight.engine) == ("compiled", "compiled")
    # At a tiny rate, the losses are those of the same names with the same weights.
    np.testing.assert_allclose([x for _, x in eight.losses], [x for _, x in one.losses], atol=1e-5)


@pytest.mark.parametrize("batch_size", [16, 64])
def test_a_recorded_point_averages_its_own_names_even_if_a_batch_straddles_it(
    batch_size: int,
) -> None:
    plan = Hyperparameters(150, 1e-9, record_every=50, batch_size=batch_size)  # learns nothing
    alone = train(WORKSHEET_MODELS["rnn"], SPLIT, Noise(2), 0, Hyperparameters(150, 1e-9, 50))
    batched = train(WORKSHEET_MODELS["rnn"], SPLIT, Noise(2), 0, plan)
    assert [point for point, _ in batched.losses] == [50, 100, 150]
    assert [loss for _, loss in batched.losses] == pytest.approx(
        [loss for _, loss in alone.losses], abs=1e-5
    )


@pytest.mark.parametrize(
    ("kept", "same"), [("weights", "initial"), ("order", "names"), ("noise", "noise")]
)
def test_a_seed_that_shares_one_source_draws_the_others_anew(kept: str, same: str) -> None:
    def drawn(seed: int | Seed) -> dict[str, Any]:
        names = Examples.of_names(SPLIT.train, SPLIT.languages)
        stream = TrainingStream(names, Noise(5), seed).take(50)
        lengths = np.diff(stream.offsets)
        of = np.repeat(np.arange(50), lengths)
        plan = Hyperparameters(updates=1, learning_rate=1e-30)  # weights do not change
        run = train(ModelSpec("gru"), SPLIT, Noise(5), seed, plan)
        return {
            "initial": run.parameters["output.bias"].tolist(),
            "names": stream.characters[~stream.is_noise].tolist(),
            "noise": np.bincount(of[stream.is_noise], minlength=50).tolist(),
        }

    first, other = drawn(0), drawn(Seed(1, {kept: 0}))
    assert [key for key in first if first[key] == other[key]] == [same]
