if SEEDS_PER_JOB == 1:

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
        shell:
            TRAIN.replace("SEEDS", "--seed {wildcards.seed}")


# Several seeds of a model × noise in one process, which then starts once: for grids of thousands.
for block in BLOCKS:

    rule:
        name:
            f"train_{block[0]}_to_{block[-1]}"
        input:
            splits=expand("results/splits/seed{seed}.{type}", seed=block, type=RECORDED),
        output:
            expand(RUN, seed=block, file=RUN_FILES, allow_missing=True),
        log:
            f"results/logs/train/{{model}}/noise{{noise}}/seeds{block[0]}-{block[-1]}.log",
        benchmark:
            f"results/benchmarks/train/{{model}}/noise{{noise}}/seeds{block[0]}-{block[-1]}.jsonl"
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
            seeds=" ".join(f"--seed {seed}" for seed in block),
        shell:
            TRAIN.replace("SEEDS", "{params.seeds}")
