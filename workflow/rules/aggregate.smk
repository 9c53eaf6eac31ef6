rule aggregate:
    """Turn all run files into tidy tables and the statistics that the report prints."""
    input:
        runs=beside(RECORDS, RECORD, LOSSES, TIMING),
        splits=SPLITS,
        evaluation=EVALUATION,
        probes=PROBES,
        attention=ATTENTION,
    output:
        tables=expand("results/tables/{table}.csv", table=TABLES),
        timings="results/tables/timings.csv",
        statistics="results/tables/statistics.json",
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
        code=code("analysis.tables", "analysis.findings"),
        grid=literal(json.dumps(GRID)),
    shell:
        "python -m noisynames aggregate --results results --grid {params.grid:q}"
        " --output results/tables > {log} 2>&1"
