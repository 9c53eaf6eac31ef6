"""All questions of the report: the worksheet's in its order, and what else a config asks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from noisynames.reporting import answers
from noisynames.reporting.answers.study import QUESTIONS, Answer, Study
from noisynames.reporting.folders import import_all

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings

import_all(answers)


def answer_all(findings: "Findings", config: Mapping[str, Any]) -> list[Answer]:
    """Return the answers to all questions that the experiment asks, in their order."""
    study = Study(findings, config)
    given = (QUESTIONS[place](study) for place in sorted(QUESTIONS))
    return [answer for answer in given if answer is not None]
