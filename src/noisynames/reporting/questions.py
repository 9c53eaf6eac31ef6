"""All questions of the report: the worksheet's, in its order, and those that a config adds."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from noisynames.reporting import answers
from noisynames.reporting.answers.study import QUESTIONS, Answer, Study, Unasked
from noisynames.reporting.folders import import_all

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings

import_all(answers)


def answer_all(
    findings: "Findings", config: Mapping[str, Any]
) -> tuple[list[Answer], list[Unasked]]:
    """Return the answers to the questions that the experiment asks, in order, and the unasked ones.

    Args:
        findings: As `analysis.findings.summary.find` returns them.
        config: The resolved config.
    """
    study = Study(findings, config)
    given = [QUESTIONS[place](study) for place in sorted(QUESTIONS)]
    return (
        [answer for answer in given if isinstance(answer, Answer)],
        [unasked for unasked in given if isinstance(unasked, Unasked)],
    )
