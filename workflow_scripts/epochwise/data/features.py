"""What is seen of an input before any network: pixel statistics and principal components."""

import numpy as np
import pandas as pd
import pyarrow as pa

MOST_EXACT = 4096  # pixel values of an image whose components are computed from the covariance

# One row per training image. `components`: scores on the leading principal components, with unit variance.
FEATURES = pa.schema(
    [
        ("index", pa.int32()),
        ("norm", pa.float32()),
        ("brightness", pa.float32()),
        ("contrast", pa.float32()),
        ("components", pa.list_(pa.float32())),
    ]
)


def input_features(pixels: np.ndarray, components: int) -> pd.DataFrame:
    """Norm, mean brightness, contrast (standard deviation) and leading principal components of images.

    `pixels` (N, D) uint8 count as values in [0, 1]. The components are scores on at most min(N − 1, D) axes, scaled to
    unit variance (as far as the images vary), as one float32 array per row. Columns are those of
    FEATURES.
    """
    from sklearn.decomposition import PCA

    images = pixels.astype(np.float32) / 255
    available = min(len(images) - 1, images.shape[1])
    # The covariance of larger images would be too large, so random projections find their components.
    solver = "covariance_eigh" if images.shape[1] <= MOST_EXACT else "randomized"
    pca = PCA(min(components, available), whiten=True, svd_solver=solver, random_state=0)
    return pd.DataFrame(
        {
            "index": np.arange(len(images), dtype=np.int32),
            "norm": np.linalg.norm(images, axis=1),
            "brightness": images.mean(axis=1),
            "contrast": images.std(axis=1),
            "components": list(pca.fit_transform(images).astype(np.float32)),
        }
    )
