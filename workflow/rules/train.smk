rule train:
    """Train one model under one noise with one seed."""
    input:
        splits=splits_of_run("csv"),
        records=splits_of_run("json"),
    output:
        losses="results/runs/{model}/noise{noise}/seed{seed}/losses.csv",
        weights="results/runs/{model}/noise{noise}/seed{seed}/weights.safetensors",
        record="results/runs/{model}/noise{noise}/seed{seed}/run.json",
        timing="results/runs/{model}/noise{noise}/seed{seed}/timing.json",
    log:
        "results/logs/train/{model}/noise{noise}/seed{seed}.log",
    benchmark:
        "results/benchmarks/train/{model}/noise{noise}/seed{seed}.jsonl"
    wildcard_constraints:
        seed=ALONE,
    priority: SHORT
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        code=training_code,
        settings=training_settings,
        seeds="--seed {seed}",
        splits=lambda wildcards, input: repeated("split", input.splits),
        folder=subpath(output[0], ancestor=2),
    shell:
        "python -m noisynames train --model {wildcards.model} --noise {wildcards.noise}"
        " {params.seeds} {params.splits} --settings {params.settings:q}"
        " --output {params.folder} 2> {log}"


use rule train as train_ten with:
    input:
        splits=splits_of_run("csv"),
        records=splits_of_run("json"),
    output:
        expand(
            "results/runs/{{model}}/noise{{noise}}/seed{{ten}}{digit}/{file}",
            file=RUN_FILES,
            digit=range(10),
        ),
    log:
        "results/logs/train/{model}/noise{noise}/seed{ten}0-9.log",
    benchmark:
        "results/benchmarks/train/{model}/noise{noise}/seed{ten}0-9.jsonl"
    wildcard_constraints:
        ten=one_of(TENS),
    priority: LONG
    params:
        code=training_code,
        settings=training_settings,
        splits=lambda wildcards, input: repeated("split", input.splits),
        seeds=expand("--seed {{ten}}{digit}", digit=range(10)),
