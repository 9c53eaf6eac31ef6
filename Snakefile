# noisynames: train, evaluate and compare recurrent classifiers of names under noise.
from snakemake.utils import min_version

min_version("9.20")


# Another config replaces the default experiment; it is not merged into it. A module uses its `config:`,
# or else this one, whatever the surrounding workflow uses.
if not (workflow.modifier.is_main_snakefile() and workflow.configfiles):

    configfile: f"{workflow.current_basedir}/config/config.yaml"


report: "report/captions/workflow.rst"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/aggregate.smk"
include: "workflow/rules/report.smk"
include: "workflow/rules/crate.smk"
include: "workflow/rules/partial.smk"


rule all:
    """Run the whole experiment, up to results/report.html. This is the default."""
    default_target: True
    input:
        # All results, not only the report, so that a deleted one is made again.
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
