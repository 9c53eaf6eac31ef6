rule dataset:
    """Collect and normalise the names."""
    input:
        code=code("alphabet.py")
        + code(
            *[
                f"datasets/{f}.py"
                for f in ("__init__", "surnames", "tutorial", "directory")
            ]
        ),
    output:
        names="results/dataset/names.csv",
        manifest="results/dataset/manifest.json",
    log:
        "results/logs/dataset.log",
    benchmark:
        "results/benchmarks/dataset.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        source=flags(
            {
                "source": config["dataset"]["source"],
                "path": config["dataset"]["path"],
                "test_fraction": config["dataset"]["test_fraction"],
            }
        ),
    shell:
        "noisynames dataset {params.source}"
        " --names {output.names} --manifest {output.manifest} > {log} 2>&1"


rule split:
    """Split the names of one seed into train and test."""
    input:
        names="results/dataset/names.csv",
        code=NAMES_CODE,
    output:
        "results/splits/seed{seed}.csv",
    log:
        "results/logs/split/seed{seed}.log",
    benchmark:
        "results/benchmarks/split/seed{seed}.jsonl"
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        rule=flags(
            {
                "test_fraction": config["dataset"]["test_fraction"],
                "max_train_names": config["dataset"]["max_train_names"],
            }
        ),
    shell:
        "noisynames split --names {input.names} --seed {wildcards.seed} {params.rule}"
        " --output {output} > {log} 2>&1"
