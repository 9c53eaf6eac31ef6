# noisynames: train, evaluate and compare recurrent classifiers of names under noise.
from snakemake.utils import min_version

min_version("9.20")


# A --configfile replaces the default experiment; it is not merged into it.
if not workflow.config_settings.configfiles:

    configfile: f"{workflow.basedir}/config/config.yaml"


report: "report/captions/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/partial.smk"


# On a cluster, these are done where snakemake runs: they take a second or less.
localrules:
    dataset,
    split,
    split_ten,
    report,
    report_partial,
    compare,


rule all:
    """Run the whole experiment, up to results/report.html. This is the default."""
    default_target: True
    input:
        # All results, not the report alone: one that was deleted is made again.
        RECORDS,
        DELETED,
        SPLITS,
        EVALUATION,
        PROBES,
        ATTENTION,
        ALL_TABLES,
        ALL_FIGURES,
        "results/dataset/names.csv",
        "results/dataset/manifest.json",
        "results/report.html",
