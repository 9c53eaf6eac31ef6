rule dataset:
    """Collect and normalise the names."""
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
        code=code("names.dataset", f"names.sources.{config['dataset']['source']}"),
        names=literal(digests(".", local_names())),
        source=literal(
            flags(
                {
                    "source": config["dataset"]["source"],
                    "path": config["dataset"]["path"],
                    "test_fraction": config["dataset"]["test_fraction"],
                    "validation_fraction": config["dataset"]["validation_fraction"],
                    **spelling(),
                }
            )
        ),
        folder=subpath(output.names, parent=True),
    shell:
        "python -m noisynames dataset {params.source} --output {params.folder} > {log} 2>&1"


rule split:
    """Split the names of one seed into train and test."""
    input:
        names="results/dataset/names.csv",
        manifest="results/dataset/manifest.json",
    output:
        split="results/splits/seed{seed}.csv",
        record="results/splits/seed{seed}.json",
    log:
        "results/logs/split/seed{seed}.log",
    benchmark:
        "results/benchmarks/split/seed{seed}.jsonl"
    wildcard_constraints:
        seed=ALONE,
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code("names.splits"),
        rule=SPLIT_RULE,
        seeds="--seed {seed}",
    shell:
        "python -m noisynames split --names {input.names} {params.seeds} {params.rule}"
        " --output results/splits > {log} 2>&1"


use rule split as split_ten with:
    output:
        expand(
            "results/splits/seed{{ten}}{digit}.{type}",
            digit=range(10),
            type=RECORDED,
        ),
    log:
        "results/logs/split/seed{ten}0-9.log",
    benchmark:
        "results/benchmarks/split/seed{ten}0-9.jsonl"
    wildcard_constraints:
        ten=one_of(TENS),
    params:
        code=code("names.splits"),
        rule=SPLIT_RULE,
        seeds=expand("--seed {{ten}}{digit}", digit=range(10)),
