rule plot:
    """Draw every figure of the report."""
    input:
        tables=expand("results/tables/{table}.csv", table=TABLES),
        timings="results/tables/timings.csv",
        statistics="results/tables/statistics.json",
        code=code("figures.py", "statistics.py"),
    output:
        report(
            expand("results/figures/{figure}.svg", figure=FIGURES),
            caption="../../report/captions/figure.rst",
            category="Figures",
        ),
    log:
        "results/logs/plot.log",
    benchmark:
        "results/benchmarks/plot.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        figures=FIGURES,
    shell:
        "noisynames plot {params.figures} --tables results/tables --output results/figures"
        " > {log} 2>&1"


rule report:
    """Write the HTML report from the tables, the figures and the templates."""
    input:
        manifest="results/dataset/manifest.json",
        tables=expand("results/tables/{table}.csv", table=TABLES),
        timings="results/tables/timings.csv",
        statistics="results/tables/statistics.json",
        figures=expand("results/figures/{figure}.svg", figure=FIGURES),
        templates=[str(ROOT / "report/base.html")]
        + sorted(
            str(f) for f in (ROOT / "report").rglob("*.*") if f.name != "base.html"
        ),
        code=code("report.py", "answers.py"),
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
        config=json.dumps(config),
        templates=lambda wildcards, input: Path(input.templates[0]).parent,
    shell:
        "noisynames report --results results --templates {params.templates}"
        " --config {params.config:q} --output {output} > {log} 2>&1"
