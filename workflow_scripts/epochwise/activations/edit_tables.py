"""The tables of interventions. This module does not import torch, because the analysis reads them without it."""

import pyarrow as pa

# One row per epoch, neuron, edit and subset. `target` says which neuron of the layer is edited: `large`, `runner_up`,
# `matched_1`, `matched_2` and so on. The changes are those from the unedited network, which has the edit `none`.
INTERVENTIONS = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("target", pa.string()),
        ("contribution", pa.float64()),
        ("edit", pa.string()),
        ("subset", pa.string()),
        ("accuracy", pa.float64()),
        ("loss", pa.float64()),
        ("accuracy_change", pa.float64()),
        ("loss_change", pa.float64()),
    ]
)
# One row per epoch, about the neuron that is the large one at the end of training, in the layer that stands out then.
# Ranks count from 1, the largest of its layer.
ANATOMY = pa.schema(
    [
        ("epoch", pa.int32()),
        ("layer", pa.int16()),
        ("neuron", pa.int32()),
        ("is_large", pa.bool_()),
        ("incoming_norm", pa.float64()),
        ("incoming_rank", pa.int32()),
        ("outgoing_norm", pa.float64()),
        ("outgoing_rank", pa.int32()),
        ("contribution_rank", pa.int32()),
        ("bias", pa.float64()),
        ("cosine_mean_image", pa.float64()),
        ("cosine_component", pa.float64()),
    ]
)
# Images (D,) of the same neuron at the last epoch, and two to compare them with.
ANATOMY_IMAGES = pa.schema([("image", pa.string()), ("pixels", pa.list_(pa.float32()))])
