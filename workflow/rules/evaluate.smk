rule evaluate:
    """Predict the held-out names with a part's seeds of a model × noise, under every noise."""
    input:
        records=run_records,
    output:
        predictions="results/evaluation/{model}/noise{noise}{part}.csv",
        scores=expand(
            "results/evaluation/{{model}}/noise{{noise}}{{part}}-{name}.csv",
            name=SCORE_TABLES,
        ),
        record="results/evaluation/{model}/noise{noise}{part}.json",
    log:
        "results/logs/evaluate/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/evaluate/{model}/noise{noise}{part}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=inference_code("evaluation.predictions"),
        own=custom_code,
        folders=lambda wildcards, input: [str(Path(f).parent) for f in input.records],
        noise=TESTED_AT,
        kept=KEPT,
    shell:
        "python -m noisynames evaluate {params.folders} --splits results/splits {params.noise} {params.kept}"
        " --trained-at {wildcards.noise} --output {output.predictions} > {log} 2>&1"


rule inspect_attention:
    """Record where each seed's attention goes on held-out names."""
    input:
        records=run_records,
    output:
        weights="results/attention/{model}/noise{noise}{part}.csv",
        tables=expand(
            "results/attention/{{model}}/noise{{noise}}{{part}}-{name}.csv",
            name=ATTENTION_TABLES,
        ),
        record="results/attention/{model}/noise{noise}{part}.json",
    log:
        "results/logs/inspect_attention/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/inspect_attention/{model}/noise{noise}{part}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=inference_code("evaluation.attention"),
        own=custom_code,
        folders=lambda wildcards, input: [str(Path(f).parent) for f in input.records],
        noise=TESTED_AT,
        kept=KEPT,
        names=config["attention"]["names_per_language"],
    shell:
        "python -m noisynames inspect-attention {params.folders} --splits results/splits {params.noise}"
        " {params.kept} --trained-at {wildcards.noise} --names-per-language {params.names}"
        " --output {output.weights} > {log} 2>&1"


rule probe:
    """Measure what each seed remembers behind a growing suffix, and how far gradients reach."""
    input:
        records=run_records,
    output:
        probes="results/probes/{model}/noise{noise}{part}.csv",
        record="results/probes/{model}/noise{noise}{part}.json",
    log:
        "results/logs/probe/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/probe/{model}/noise{noise}{part}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=inference_code("evaluation.probes"),
        own=custom_code,
        folders=lambda wildcards, input: [str(Path(f).parent) for f in input.records],
        options=probe_options,
    shell:
        "python -m noisynames probe {params.folders} --splits results/splits {params.options}"
        " --output {output.probes} > {log} 2>&1"


rule baseline:
    """Fit a baseline under every seed and one noise, and predict the held-out names."""
    input:
        splits=split_records,
    output:
        predictions="results/evaluation/{baseline}/noise{noise}{part}.csv",
        scores=expand(
            "results/evaluation/{{baseline}}/noise{{noise}}{{part}}-{name}.csv",
            name=SCORE_TABLES,
        ),
        record="results/evaluation/{baseline}/noise{noise}{part}.json",
    log:
        "results/logs/baseline/{baseline}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/baseline/{baseline}/noise{noise}{part}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("evaluation.baselines"),
        seeds=lambda wildcards: [f"--seed {seed}" for seed in PARTS[wildcards.part]],
        noise=TESTED_AT,
        kept=KEPT,
        updates=config["training"]["updates"],
    shell:
        "python -m noisynames baseline {wildcards.baseline} --splits results/splits {params.seeds}"
        " --trained-at {wildcards.noise} {params.noise} {params.kept} --updates {params.updates}"
        " --output {output.predictions} > {log} 2>&1"
