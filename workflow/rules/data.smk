rule dataset:
    """Collect and normalise the names."""
    output:
        names="results/dataset/names.csv",
        manifest="results/dataset/manifest.json",
    log:
        "results/logs/dataset.log",
    benchmark:
        "results/benchmarks/dataset.jsonl"
    # On a cluster, this runs where snakemake runs, since it takes at most a second, like splits and the
    # report.
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=10,
    params:
        code=code("names.dataset", f"names.sources.{config['dataset']['source']}"),
        names=literal(digests(".", local_names())),
        # Only an alphabet made from the data depends on the noise.
        settings=settings(
            config["dataset"],
            "label_name",
            "max_train_names",
            **(
                {"noise_characters": CHARACTERS}
                if config["dataset"]["alphabet"] == "data"
                else {}
            ),
        ),
        folder=subpath(output.names, parent=True),
    shell:
        "python -m noisynames dataset --settings {params.settings:q}"
        " --output {params.folder} > {log} 2>&1"


rule split:
    """Split the names of one seed into training and held-out names."""
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
    priority: FIRST
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=500,
        runtime=5,
    params:
        code=code("names.splits"),
        settings=settings(config["dataset"], "label_name"),
        seeds="--seed {seed}",
        folder=subpath(output[0], parent=True),
    shell:
        "python -m noisynames split --names {input.names} {params.seeds}"
        " --settings {params.settings:q} --output {params.folder} > {log} 2>&1"


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
        settings=settings(config["dataset"], "label_name"),
        seeds=expand("--seed {{ten}}{digit}", digit=range(10)),
