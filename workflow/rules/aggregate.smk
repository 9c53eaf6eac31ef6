rule aggregate:
    """Turn all run files into tidy tables and the findings that the report prints."""
    input:
        runs=beside(RECORDS, RECORD, LOSSES, TIMING),
        splits=SPLITS,
        evaluation=EVALUATION,
        probes=PROBES,
        attention=ATTENTION,
    output:
        tables=expand("results/tables/{table}.csv", table=TABLES),
        timings="results/tables/timings.csv",
        findings="results/tables/findings.json",
        record="results/tables/timings.json",
    log:
        "results/logs/aggregate.log",
    benchmark:
        "results/benchmarks/aggregate.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        code=code(
            "analysis.tables", "analysis.findings.summary", "analysis.findings.costs"
        ),
        grid=literal(json.dumps(GRID)),
        results=subpath(output[0], ancestor=2),
        runs="",  # all of them
        folder=subpath(output[0], parent=True),
    shell:
        "python -m noisynames aggregate --results {params.results} {params.runs} --grid {params.grid:q}"
        " --output {params.folder} > {log} 2>&1"
