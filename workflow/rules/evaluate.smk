rule evaluate:
    """Predict the held-out names with every seed of a model × noise level, at every noise level."""
    input:
        weights=run_files("weights.safetensors"),
        records=run_files("run.json"),
        splits=SPLITS,
    output:
        predictions="results/evaluation/{model}/noise{noise}.csv",
        record="results/evaluation/{model}/noise{noise}.json",
    log:
        "results/logs/evaluate/{model}/noise{noise}.log",
    benchmark:
        "results/benchmarks/evaluate/{model}/noise{noise}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code(*EVALUATION_CODE),
        own=custom_code,
        folders=lambda wildcards, input: [str(Path(f).parent) for f in input.records],
        noise=" ".join(f"--noise {level}" for level in NOISE_LEVELS),
    shell:
        "noisynames evaluate {params.folders} --splits results/splits {params.noise}"
        " --output {output.predictions} > {log} 2>&1"


rule inspect_attention:
    """Record where each seed's attention goes on held-out names."""
    input:
        weights=run_files("weights.safetensors"),
        records=run_files("run.json"),
        splits=SPLITS,
    output:
        weights="results/attention/{model}/noise{noise}.csv",
        record="results/attention/{model}/noise{noise}.json",
    log:
        "results/logs/inspect_attention/{model}/noise{noise}.log",
    benchmark:
        "results/benchmarks/inspect_attention/{model}/noise{noise}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        code=code(*EVALUATION_CODE, "attention.py"),
        own=custom_code,
        folders=lambda wildcards, input: [str(Path(f).parent) for f in input.records],
        noise=" ".join(f"--noise {level}" for level in NOISE_LEVELS),
        names=config["attention"]["names_per_language"],
    shell:
        "noisynames inspect-attention {params.folders} --splits results/splits {params.noise}"
        " --names-per-language {params.names} --output {output.weights} > {log} 2>&1"
