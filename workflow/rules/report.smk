rule plot:
    """Draw every figure of the report."""
    input:
        tables=ALL_TABLES,
    output:
        [
            report(
                f"results/figures/{name}.svg",
                caption="../../report/captions/figure.rst",
                category="Figures",
                labels={"topic": figure.topic, "shows": figure.alt},
            )
            for name, figure in FIGURES.items()
        ],
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
        code=code("reporting.drawing"),
        figures=repeated("figure", FIGURES),
        captions={name: figure.alt for name, figure in FIGURES.items()},
        folder=subpath(output[0], parent=True),
    shell:
        "python -m noisynames plot {input} {params.figures} --output {params.folder}"
        " --processes {threads} > {log} 2>&1"


rule report:
    """Write the HTML report from the tables, the figures and the templates."""
    input:
        names="results/dataset/names.csv",
        manifest="results/dataset/manifest.json",
        reference="results/reference.json",
        merged=MERGED,
        tables=ALL_TABLES,
        figures=ALL_FIGURES,
        records=RECORDS,
        playground=PLAYGROUND,
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
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("reporting.page", *PLAYGROUND_MODULES),
        templates=digests(ROOT / "report", TEMPLATES),
        config=literal(json.dumps(config)),
        results=subpath(output[0], parent=True),
        work="",  # what is made from runs is in the results
    shell:
        "python -m noisynames report --results {params.results} {params.work}"
        " --config {params.config:q} --output {output} > {log} 2>&1"


rule compare:
    """Say what changed from other results: --config compare_with=FOLDER, a zip file or a report."""
    input:
        other=compared_with,
        report="results/report.html",
        manifest="results/dataset/manifest.json",
        records=RECORDS,
        tables=ALL_TABLES,
    output:
        "results/compare.html",
    log:
        "results/logs/compare.log",
    benchmark:
        "results/benchmarks/compare.jsonl"
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("experiments.comparing", "reporting.beside.page"),
        templates=digests(ROOT / "report", [*TEMPLATES, COMPARISON]),
        other=literal(COMPARE_WITH),
        results=subpath(output[0], parent=True),
    shell:
        # Status 1 means that something is worse, which is a result, not a failure.
        "python -m noisynames compare {params.other:q} {params.results} --output {output} > {log} 2>&1"
        " || [ $? -eq 1 ]"


rule paper:
    """Write tables as LaTeX and Markdown, figures as PDF, methods, and all tables as Parquet."""
    input:
        tables=ALL_TABLES,
        manifest="results/dataset/manifest.json",
    output:
        tables=expand("results/paper/{table}.{type}", table=PAPER, type=["tex", "md"]),
        figures=expand("results/paper/{figure}.pdf", figure=FIGURES),
        methods="results/paper/methods.md",
        parquet="results/paper/tables.parquet",
    log:
        "results/logs/paper.log",
    benchmark:
        "results/benchmarks/paper.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("reporting.paper", "reporting.drawing"),
        config=literal(json.dumps(config)),
        figures=repeated("figure", FIGURES),
        folder=subpath(output[0], parent=True),
    shell:
        "python -m noisynames paper {input.tables} {params.figures} --manifest {input.manifest}"
        " --config {params.config:q} --output {params.folder} > {log} 2>&1"
