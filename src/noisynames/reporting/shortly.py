"""The short answer, about what the config varies."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from noisynames.reporting import headlines
from noisynames.reporting.answers.study import Study
from noisynames.reporting.folders import import_all
from noisynames.reporting.headlines.short import HEADLINES, ShortAnswer

if TYPE_CHECKING:  # findings are read, and nothing here computes one
    from noisynames.analysis.findings.summary import Findings

import_all(headlines)


def answer(findings: "Findings", config: Mapping[str, Any]) -> ShortAnswer:
    """Return the short answer of an experiment.

    Args:
        findings: As `analysis.findings.summary.find` returns them.
        config: The resolved config.
    """
    study = Study(findings, config)
    given = (HEADLINES[turn](study) for turn in sorted(HEADLINES))
    return next(found for found in given if found is not None)
