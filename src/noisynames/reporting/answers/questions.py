"""The worksheet's questions in its order, and what else a config asks."""

from collections.abc import Mapping
from typing import Any

from noisynames.analysis.findings import Findings
from noisynames.reporting.answers import (
    attention,
    batches,
    conclusions,
    efficiency,
    held_out,
    learning_rates,
    loss_under_noise,
    lstm,
)
from noisynames.reporting.answers.study import Answer, Study


def answer_all(findings: Findings, config: Mapping[str, Any]) -> list[Answer]:
    """Return the answers to the worksheet's questions, in its order, and to what else was asked."""
    study = Study(findings, config)
    return [
        efficiency.answer(study),
        loss_under_noise.answer(study),
        conclusions.answer(study),
        attention.answer(study),
        held_out.answer(study),
        lstm.answer(study),
        batches.answer(study),
        *([learning_rates.answer(study)] if findings["rates"]["models"] else []),
    ]
