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
        folder=subpath(output.losses, parent=True),
    shell:
        "noisynames train --model {wildcards.model} --noise {wildcards.noise}"
        " --seed {wildcards.seed} {params.model} {params.training} {params.noise}"
        " --split {input.split} --output {params.folder} 2> {log}"
