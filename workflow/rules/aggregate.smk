rule aggregate:
    """Turn all run files into tidy tables and the statistics that the report prints."""
    input:
        runs=expand(
            "results/runs/{model}/noise{noise}/seed{seed}/{file}",
            model=MODELS,
            noise=NOISE_LEVELS,
            seed=SEEDS,
            file=["losses.csv", "run.json", "timing.json"],
        ),
        splits=expand("results/splits/seed{seed}.csv", seed=SEEDS),
        evaluation=expand(
            "results/evaluation/{model}/noise{noise}.csv",
            model=MODELS,
            noise=NOISE_LEVELS,
        ),
        attention=expand(
            "results/attention/{model}/noise{noise}.csv",
            model=ATTENTION_MODELS,
            noise=NOISE_LEVELS,
        ),
        code=code(
            "tables.py",
            "attention.py",
            "evaluation.py",
            "statistics.py",
            "findings.py",
        ),
    output:
        tables=expand("results/tables/{table}.csv", table=TABLES),
        timings="results/tables/timings.csv",
        statistics="results/tables/statistics.json",
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
        grid=json.dumps(GRID),
    shell:
        "noisynames aggregate --results results --grid {params.grid:q}"
        " --output results/tables > {log} 2>&1"
