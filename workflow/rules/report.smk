rule plot:
    """Draw every figure of the report."""
    input:
        tables=ALL_TABLES,
    output:
        report(
            ALL_FIGURES,
            caption="../../report/captions/figure.rst",
            category="Figures",
        ),
    log:
        "results/logs/plot.log",
    benchmark:
        "results/benchmarks/plot.jsonl"
    conda:
        "../../environment.yml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("reporting.figures.drawing"),
        figures=FIGURES,
    shell:
        "python -m noisynames plot {params.figures} --tables results/tables --output results/figures"
        " --processes {threads} > {log} 2>&1"


rule report:
    """Write the HTML report from the tables, the figures and the templates."""
    input:
        names="results/dataset/names.csv",
        manifest="results/dataset/manifest.json",
        merged=MERGED,
        tables=ALL_TABLES,
        figures=ALL_FIGURES,
    output:
        report(
            "results/report.html",
            caption="../../report/captions/report.rst",
            category="Report",
        ),
    log:
        "results/logs/report.log",
    benchmark:
        "results/benchmarks/report.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("reporting.page"),
        templates=digests(ROOT / "report", TEMPLATES),
        config=literal(json.dumps(config)),
    shell:
        "python -m noisynames report --results results"
        " --config {params.config:q} --output {output} > {log} 2>&1"


rule report_partial:
    """Write results/partial/report.html from the runs that exist, and say which are missing."""
    output:
        "results/partial/report.html",
    log:
        "results/logs/report_partial.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code("experiments.partial"),
        templates=digests(ROOT / "report", TEMPLATES),
        runs=lambda wildcards: runs_on_disk(),  # it is written again when there are others
        grid=literal(json.dumps(GRID)),
        config=literal(json.dumps(config)),
        folder=subpath(output[0], parent=True),
        figures=FIGURES,
    shell:
        "python -m noisynames report-partial {params.figures} --results results --grid {params.grid:q}"
        " --config {params.config:q}"
        " --output {params.folder} 2>&1 | tee {log}"
