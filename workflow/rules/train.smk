rule train:
    """Train one model under one noise and one seed."""
    input:
        split="results/splits/seed{seed}.csv",
        record="results/splits/seed{seed}.json",
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
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        code=training_code,
        model=lambda wildcards: flags(config["models"][wildcards.model]),
        training=flags(TRAINING),
        noise=training_noise,
        seeds="--seed {seed}",
    shell:
        "python -m noisynames train --model {wildcards.model} --noise {wildcards.noise}"
        " {params.seeds} {params.model} {params.training} {params.noise} --splits results/splits"
        " --output results/runs/{wildcards.model}/noise{wildcards.noise} 2> {log}"


use rule train as train_ten with:
    input:
        records=expand("results/splits/seed{{ten}}{digit}.json", digit=range(10)),
    output:
        expand(
            "results/runs/{{model}}/noise{{noise}}/seed{{ten}}{digit}/{file}",
            digit=range(10),
            file=RUN_FILES,
        ),
    log:
        "results/logs/train/{model}/noise{noise}/seed{ten}0-9.log",
    benchmark:
        "results/benchmarks/train/{model}/noise{noise}/seed{ten}0-9.jsonl"
    wildcard_constraints:
        ten=one_of(TENS),
    params:
        code=training_code,
        model=lambda wildcards: flags(config["models"][wildcards.model]),
        training=flags(TRAINING),
        noise=training_noise,
        seeds=expand("--seed {{ten}}{digit}", digit=range(10)),
