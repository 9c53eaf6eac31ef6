# A finished experiment to keep or to share, with the code that made it.
rule crate:
    """Describe the experiment as a research object (RO-Crate), with the code that made it."""
    input:
        RECORDS,
        ALL_TABLES,
        ALL_FIGURES,
        manifest="results/dataset/manifest.json",
        report="results/report.html",
    output:
        metadata=f"results/{research_object.METADATA}",
        code=expand(
            "results/crate/{file}",
            file=[*research_object.files(), research_object.CONFIG],
        ),
    log:
        "results/logs/crate.log",
    benchmark:
        "results/benchmarks/crate.jsonl"
    localrule: True
    conda:
        "../../environment.yml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=lambda wildcards: digests(
            ROOT, [ROOT / file for file in research_object.files()]
        ),
        config=literal(json.dumps(config)),
        results=subpath(output[0], parent=True),
    shell:
        "python -m noisynames crate --results {params.results} --config {params.config:q}"
        " --output {output.metadata} > {log} 2>&1"
