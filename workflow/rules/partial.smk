# The unfinished report: the same rules on the runs that exist, with all their output in
# results/partial. No rule here has a run or a split as input, so none of them causes training: a job
# is given all files that could exist, and leaves out the runs that are missing.
RUNS_OF_PART = lambda wildcards: [
    *map(
        placed,
        of_part("results/runs/{model}/noise{noise}/seed{seed}/run.json")(wildcards),
    )
]
SPLITS_OF_PART = lambda wildcards: [
    *repeated("split", map(placed, splits_of_part("csv")(wildcards))),
    f"--missing {placed(MISSING)}",
]


rule find_missing:
    """Say which runs cannot be reported, and why."""
    input:
        results_in_a_folder,
    output:
        MISSING,
    log:
        "results/logs/partial/find_missing.log",
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        code=code("experiments.missing"),
        runs=lambda wildcards: runs_on_disk(),  # so that other runs make it run again
        grid=literal(json.dumps(GRID)),
        results=subpath(output[0], ancestor=2),
    shell:
        "python -m noisynames find-missing --results {params.results} --grid {params.grid:q}"
        " --output {output} 2>&1 | tee {log}"


use rule evaluate as evaluate_partial with:
    input:
        MISSING,
    output:
        predictions="results/partial/evaluation/{model}/noise{noise}{part}.csv",
        scores=expand(
            "results/partial/evaluation/{{model}}/noise{{noise}}{{part}}-{name}.csv",
            name=SCORE_TABLES,
        ),
        record="results/partial/evaluation/{model}/noise{noise}{part}.json",
    log:
        "results/logs/partial/evaluate/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/partial/evaluate/{model}/noise{noise}{part}.jsonl"
    params:
        runs=RUNS_OF_PART,
        splits=SPLITS_OF_PART,


use rule inspect_attention as inspect_attention_partial with:
    input:
        MISSING,
    output:
        weights="results/partial/attention/{model}/noise{noise}{part}.csv",
        tables=expand(
            "results/partial/attention/{{model}}/noise{{noise}}{{part}}-{name}.csv",
            name=ATTENTION_TABLES,
        ),
        record="results/partial/attention/{model}/noise{noise}{part}.json",
    log:
        "results/logs/partial/inspect_attention/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/partial/inspect_attention/{model}/noise{noise}{part}.jsonl"
    params:
        runs=RUNS_OF_PART,
        splits=SPLITS_OF_PART,


use rule probe as probe_partial with:
    input:
        MISSING,
    output:
        probes="results/partial/probes/{model}/noise{noise}{part}.csv",
        record="results/partial/probes/{model}/noise{noise}{part}.json",
    log:
        "results/logs/partial/probe/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/partial/probe/{model}/noise{noise}{part}.jsonl"
    params:
        runs=RUNS_OF_PART,
        splits=SPLITS_OF_PART,


use rule baseline as baseline_partial with:
    input:
        MISSING,
    output:
        predictions="results/partial/evaluation/{baseline}/noise{noise}{part}.csv",
        scores=expand(
            "results/partial/evaluation/{{baseline}}/noise{{noise}}{{part}}-{name}.csv",
            name=SCORE_TABLES,
        ),
        record="results/partial/evaluation/{baseline}/noise{noise}{part}.json",
    log:
        "results/logs/partial/baseline/{baseline}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/partial/baseline/{baseline}/noise{noise}{part}.jsonl"
    params:
        splits=SPLITS_OF_PART,


use rule aggregate as aggregate_partial with:
    input:
        MISSING,
        unfinished(EVALUATION),
        unfinished(PROBES),
        unfinished(ATTENTION),
    output:
        unfinished(ALL_TABLES),
    log:
        "results/logs/partial/aggregate.log",
    benchmark:
        "results/benchmarks/partial/aggregate.jsonl"
    params:
        results=subpath(output[0], ancestor=3),
        runs=lambda wildcards, input, output: (
            f"--work {Path(output[0]).parents[1]} --missing {input[0]}"
        ),


use rule plot as plot_partial with:
    input:
        unfinished(ALL_TABLES),
    output:
        unfinished(ALL_FIGURES),
    log:
        "results/logs/partial/plot.log",
    benchmark:
        "results/benchmarks/partial/plot.jsonl"


use rule report as report_partial with:
    input:
        unfinished(ALL_TABLES),
        unfinished(ALL_FIGURES),
    output:
        "results/partial/report.html",
    log:
        "results/logs/partial/report.log",
    benchmark:
        "results/benchmarks/partial/report.jsonl"
    params:
        results=subpath(output[0], ancestor=2),
        work=lambda wildcards, output: f"--work {Path(output[0]).parent}",
