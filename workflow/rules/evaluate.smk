rule evaluate:
    """Predict the held-out names with each seed of an arm, under every noise."""
    input:
        runs=of_part("results/runs/{model}/noise{noise}/seed{seed}/run.json"),
        weights=of_part(
            "results/runs/{model}/noise{noise}/seed{seed}/weights.safetensors"
        ),
        splits=splits_of_part("csv"),
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
    priority: SHORT
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=inference_code("evaluation.predictions"),
        own=custom_code,
        runs=lambda wildcards, input: input.runs,
        splits=lambda wildcards, input: repeated("split", input.splits),
        noise=TESTED_AT,
        characters=literal(CHARACTERS),
        settings=settings(config["evaluation"]),
    shell:
        "python -m noisynames evaluate {params.runs} {params.splits} {params.noise}"
        " --trained-at {wildcards.noise} --noise-characters {params.characters:q}"
        " --settings {params.settings:q} --output {output.predictions} > {log} 2>&1"


rule inspect_attention:
    """Record where each seed's attention goes on held-out names."""
    input:
        runs=of_part("results/runs/{model}/noise{noise}/seed{seed}/run.json"),
        weights=of_part(
            "results/runs/{model}/noise{noise}/seed{seed}/weights.safetensors"
        ),
        splits=splits_of_part("csv"),
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
    priority: LAST
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=inference_code("evaluation.attention"),
        own=custom_code,
        runs=lambda wildcards, input: input.runs,
        splits=lambda wildcards, input: repeated("split", input.splits),
        noise=TESTED_AT,
        characters=literal(CHARACTERS),
        settings=settings({**config["evaluation"], **config["attention"]}),
    shell:
        "python -m noisynames inspect-attention {params.runs} {params.splits} {params.noise}"
        " --trained-at {wildcards.noise} --noise-characters {params.characters:q}"
        " --settings {params.settings:q} --output {output.weights} > {log} 2>&1"


rule probe:
    """Measure what each seed remembers as junk after the name grows, and how far gradients reach."""
    input:
        runs=of_part("results/runs/{model}/noise{noise}/seed{seed}/run.json"),
        weights=of_part(
            "results/runs/{model}/noise{noise}/seed{seed}/weights.safetensors"
        ),
        splits=splits_of_part("csv"),
    output:
        probes="results/probes/{model}/noise{noise}{part}.csv",
        record="results/probes/{model}/noise{noise}{part}.json",
    log:
        "results/logs/probe/{model}/noise{noise}{part}.log",
    benchmark:
        "results/benchmarks/probe/{model}/noise{noise}{part}.jsonl"
    priority: SHORT
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=inference_code("evaluation.probes"),
        own=custom_code,
        runs=lambda wildcards, input: input.runs,
        splits=lambda wildcards, input: repeated("split", input.splits),
        characters=literal(CHARACTERS),
        # Before training, a model is the same under every noise.
        initial=lambda wildcards: (
            "--initial-gradients" if wildcards.noise == ASKED.quietest else ""
        ),
        settings=settings(config["probe"]),
    shell:
        "python -m noisynames probe {params.runs} {params.splits} {params.initial}"
        " --noise-characters {params.characters:q} --settings {params.settings:q}"
        " --output {output.probes} > {log} 2>&1"


rule baseline:
    """Fit a baseline with each seed under one noise, and predict the held-out names."""
    input:
        splits=splits_of_part("csv"),
        records=splits_of_part("json"),
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
    priority: LONG
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code("evaluation.baselines"),
        seeds=lambda wildcards: repeated("seed", PARTS[wildcards.part]),
        splits=lambda wildcards, input: repeated("split", input.splits),
        noise=TESTED_AT,
        characters=literal(CHARACTERS),
        settings=settings(
            config["evaluation"],
            updates=config["training"]["updates"],
            **(
                {"kept": KEPT[BASELINES[0]]}
                if BASELINES and KEPT[BASELINES[0]]
                else {}
            ),
        ),
    shell:
        "python -m noisynames baseline {wildcards.baseline} {params.seeds} {params.splits}"
        " {params.noise} --trained-at {wildcards.noise} --noise-characters {params.characters:q}"
        " --settings {params.settings:q} --output {output.predictions} > {log} 2>&1"


rule reference:
    """Train every model briefly with both engines, to check that they agree on this machine."""
    input:
        split=SPLITS[0],
        record=SPLITS[1],
    output:
        "results/reference.json",
    log:
        "results/logs/reference.log",
    benchmark:
        "results/benchmarks/reference.jsonl"
    priority: LATE
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        code=code("evaluation.agreement", "training.autograd", *chain(*COMPILED)),
        seed=SEEDS[0],
        noise=ASKED.noisiest,
        characters=literal(CHARACTERS),
        settings=settings(
            {"models": dict(sorted(AS_TRAINED.items())), "training": TRAINING}
        ),
    shell:
        "python -m noisynames reference --split {input.split} --seed {params.seed} --noise {params.noise}"
        " --noise-characters {params.characters:q} --settings {params.settings:q}"
        " --output {output} > {log} 2>&1"
