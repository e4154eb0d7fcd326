"""Data sets and labels.

In: scikit-learn's digits, torchvision's data, or a folder named in the configuration; for human noise, its file.
Out: `results/data/{dataset}/train.parquet`, `test.parquet`, `features.parquet`;
`results/{experiment}/{noise}/labels.parquet` (`labels_seed{seed}.parquet` where each seed has a noise draw of its own).
"""


rule dataset:
    """Bring a data set into one table layout, whatever its source."""
    input:
        source=source_paths,
    output:
        train=ensure("results/data/{dataset}/train.parquet", non_empty=True),
        test=ensure("results/data/{dataset}/test.parquet", non_empty=True),
    log:
        "results/logs/dataset/{dataset}.log",
    benchmark:
        "results/logs/dataset/{dataset}.tsv"
    conda:
        "../envs/data.yaml"
    threads: 1
    resources:
        mem_mb=dataset_mb,
        runtime=per_attempt(20),
    params:
        source=setting("source"),
        path=setting("path"),
        sha256=setting("sha256"),
        image_size=setting("image_size"),
        channels=setting("channels"),
        sizes=setting("sizes", source_sizes),
        code=code_of("dataset.py"),
    script:
        "../workflow_scripts/dataset.py"


rule features:
    """Pixel statistics and principal components of the training images."""
    input:
        train="results/data/{dataset}/train.parquet",
    output:
        features=ensure("results/data/{dataset}/features.parquet", non_empty=True),
    log:
        "results/logs/features/{dataset}.log",
    benchmark:
        "results/logs/features/{dataset}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=features_mb,
        runtime=per_attempt(10),
    params:
        components=setting("components"),
        code=code_of("features.py"),
    script:
        "../workflow_scripts/features.py"


rule corrupt:
    """Choose the training samples and corrupt their labels."""
    input:
        train=data_file("train"),
        noise=noise_paths,
        matched=matched_labels,
    output:
        labels=ensure("results/{experiment}/{noise}/labels{draw}.parquet", non_empty=True),
    log:
        "results/logs/corrupt/{experiment}/{noise}/labels{draw}.log",
    benchmark:
        "results/logs/corrupt/{experiment}/{noise}/labels{draw}.tsv"
    conda:
        "../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=per_attempt(1000),
        runtime=per_attempt(5),
    params:
        subset=setting("subset"),
        noise=setting("noise", noise_settings),
        draw_seeds=setting("draw_seeds", draw_seeds),
        sizes=setting("sizes", noise_sizes),
        code=corrupt_code,
    script:
        "../workflow_scripts/corrupt.py"
