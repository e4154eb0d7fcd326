"""The settings groups of config.yaml, which `defaults` and every experiment have: legal values, defaults and meaning.

The text below a key is its description. Messages show it, and docs/config.md is generated from it.
"""

from typing import Annotated, Literal, get_args

from pydantic import Field, WrapValidator

from epochwise.data.noise import Block, Seed
from epochwise.workflow.config_types import Count, EachOnce, NotNegative, keep_type

Measure = Literal["probes", "neighbours", "collapse", "rank", "cka"]


class ModelTraining(Block):
    """Values of `training` for this model alone, for instance to compare input scalings."""

    epochs: Annotated[int, Field(ge=1, le=1000000)] = 200
    """Number of passes over the training set. A longer run continues the shorter one."""
    learning_rate: Annotated[float, Field(le=10, gt=0)] = 0.001
    """Step size of the optimizer. It stays constant."""
    batch_size: Count = 64
    """Samples per step. The last batch of an epoch may be smaller."""
    input_scaling: Literal["unit", "symmetric", "centre", "standardize"] = "standardize"
    """`unit`: pixels in [0, 1]. `symmetric`: pixels in [−1, 1]. `centre`: mean 0 per channel, over the training
    samples. `standardize`: mean 0 and standard deviation 1 per channel, over the training samples."""
    loss: Literal["cross_entropy", "cross_entropy_of_softmax"] = "cross_entropy"
    """What training minimizes. `cross_entropy`: softmax cross-entropy of the outputs. `cross_entropy_of_softmax`: the
    same loss with softmax applied twice, as `torch.nn.CrossEntropyLoss` behind a softmax layer computes it. It is at
    least ln(e + K − 1) − 1 for K classes, 1.461 for ten."""
    initialization: Literal["pytorch", "he", "glorot"] = "pytorch"
    """Distribution of the initial weights. `pytorch`: weights and biases uniform in ±1/√fan_in, as in torch.nn.Linear.
    `he`: weights normal with variance 2/fan_in, biases 0. `glorot`: weights uniform in ±√(6/(fan_in + fan_out)), biases
    0."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Precision of matrix products. Weights, Adam's moments, softmax and losses are always float32; with `bfloat16`, so
    is the last layer of an evaluation. `bfloat16` is faster on devices that have instructions for it. `tf32` is for
    CUDA devices."""
    optimizer: Literal["adam", "sgd"] = "adam"
    """`adam`: Adam (Kingma & Ba 2015) with β₁ = 0.9. `sgd`: gradient descent with `momentum`."""
    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Factor of the earlier steps in `sgd`. It is refused with `adam`, where it has no effect."""
    weight_decay: Annotated[float, Field(ge=0, le=1000)] = 0.0
    """Decoupled weight decay (Loshchilov & Hutter 2019): each step first multiplies all weights and biases by 1 −
    learning_rate · weight_decay. 0 is none."""
    adam_epsilon: Annotated[float, Field(le=1, gt=0)] = 1e-08
    """Adam's ε, which is added to the denominator of its step. `sgd` refuses another value than the default."""
    adam_beta2: Annotated[float, Field(ge=0, lt=1)] = 0.999
    """Adam's β₂, the decay of its mean of squared gradients. `sgd` refuses another value than the default."""
    activation_cap: Annotated[float, Field(gt=0)] | None = None
    """Activations of hidden layers are clipped at this value, in training and whenever the network is used later. No
    gradient passes through a clipped activation. null clips nothing."""


class Training(ModelTraining):
    """How one network is trained."""

    evaluations_per_decade: Annotated[int, Field(ge=1, le=1000)] = 20
    """Points of the learning curves per tenfold of epochs, evenly spaced on a logarithmic axis. Epochs 0, 1 and the
    last are always included."""
    snapshots_per_decade: Annotated[int, Field(ge=1, le=1000)] = 5
    """Saved sets of weights per tenfold of epochs, evenly spaced on a logarithmic axis. Epochs 0, 1 and the last are
    always included."""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """`auto` takes a free GPU where there is one, and processors otherwise. `cuda` stops with an error if there is
    none. A GPU is used by one job at a time; the resource `jobs_per_gpu` of rule `train` allows more."""
    threads: Annotated[int, Field(ge=1, le=1024)] = 1
    """Threads of a model with at least a million weights. Smaller models train with one thread each, side by side."""
    checkpoint_seconds: Count = 60
    """Seconds between saved states. A killed training job continues from the last one, so it loses at most this time
    plus one epoch."""
    stack_seeds: Annotated[Literal[True, False, "auto"], WrapValidator(keep_type)] = "auto"
    """Whether all seeds of a model train in one job, as batched products, which pays where steps are mostly overhead.
    `auto`: on a GPU all models, on processors models of fewer than 100,000 weights. For `device: auto` the machine that
    plans the jobs decides: it shows a GPU, or a profile requests one for rule `train`. Results differ from separate
    jobs by rounding; an added seed trains the whole stack again."""


class Subset(Block):
    """The training samples that are used."""

    size: Count | None = None
    """Number of training samples, drawn with the class shares of the data set. null uses all samples."""
    seed: Seed = 0
    """Seed of that draw."""


class Activations(Block):
    """How activations are read from the snapshots."""

    batch_size: Count = 2048
    """Samples per forward pass. It limits the memory and changes results only by rounding."""
    snapshot_stride: Count = 1
    """Every n-th snapshot is read, counted back from the last one, and always the first. 1 reads all. A larger value
    makes extraction cheaper, its tables smaller, and the curves of activations coarser."""
    split_seed: Seed = 0
    """Seed that halves the clean samples of a class, and the test samples, for the measure `split_half`, and that
    permutes predictions."""
    permutations: Annotated[int, Field(ge=1, le=10000)] = 20
    """Permutations of which test samples of a class are predicted correctly, for the null of their paths."""


class Interventions(Block):
    """Whether, and at which epochs, the large neuron is edited."""

    stride: Count | None = None
    """null: no neuron is edited. n: the large neuron and its controls are edited in every n-th snapshot that was
    extracted, counted back from the last one, and in the first."""
    batch_size: Count = 2048
    """Samples per forward pass. It limits the memory."""


class Measures(Block):
    """Further measures of every layer, each with its null."""

    stride: Count | None = None
    """null: they are not computed. n: they are computed for every n-th snapshot, counted back from the last one, and
    for the first."""
    names: EachOnce[Measure] = Field([*get_args(Measure)])
    """The measures to compute. Each is a module in `workflow_scripts/epochwise/activations/measures/`; `cka` compares
    layers, epochs and seeds."""
    samples: Annotated[int, Field(ge=64, le=2147483647)] = 2000
    """Training samples that are used, chosen by class. Fewer are used if there are fewer."""
    permutations: Annotated[int, Field(ge=20, le=10000)] = 20
    """Permutations of the given labels within each true class, for the null."""
    neighbours: Annotated[int, Field(ge=1, le=1000)] = 10
    """Nearest neighbours of a sample."""
    folds: Annotated[int, Field(ge=2, le=100)] = 5
    """Folds of the cross-validated probes."""
    ridge: Annotated[float, Field(le=1000000, gt=0)] = 0.1
    """Penalty of the probes, relative to the mean variance of a neuron."""
    seed: Seed = 0
    """Seed that chooses the samples, the permutations and the folds."""


class Separation(Block):
    """How clean and noisy signals are compared."""

    min_samples: Count = 2
    """A class with fewer clean or noisy samples than this has no value."""


class Outliers(Block):
    """How the large activation is found and what it follows."""

    massive_value: NotNegative = 100.0
    """An activation is massive (Sun et al. 2024) if it is above this value …"""
    massive_ratio: Annotated[float, Field(ge=1)] = 1000.0
    """… and at least this many times the median magnitude."""
    large_ratio: Annotated[float, Field(gt=0)] = 10.0
    """An activation is large if it is more than this many times the root mean square of the other neurons of its
    layer."""
    folds: Annotated[int, Field(ge=2, le=100)] = 5
    """Folds of the cross-validated ridge regression on the principal components."""
    ridge: NotNegative = 1.0
    """Penalty of that regression, on components scaled to unit variance."""


class Phases(Block):
    """How the three phases are read from a learning curve."""

    fitted: Annotated[float, Field(le=1, gt=0)] = 0.99
    """Noisy data count as fitted when the accuracy on their given labels reaches this value."""
    learned: Annotated[float, Field(le=1, gt=0)] = 0.5
    """Clean and noisy data count as learned when their accuracy reaches this value."""
    smoothing: Annotated[int, Field(ge=0, le=1000)] = 1
    """Evaluations on each side in the moving average of the test curve. 0 does not smooth."""
    min_dip: NotNegative = 0.01
    """A smaller fall of test accuracy, or rise of test loss in nats, does not count as a dip."""


class Summary(Block):
    """Uncertainty over seeds."""

    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    """Level of the t intervals over seeds."""


class Claims(Block):
    """Margins. A claim is reproduced if the whole interval of its effect is above its margin."""

    accuracy: NotNegative = 0.01
    """Margin of effects in accuracy."""
    fit: NotNegative = 0.0
    """Margin of accuracies on training data above the level from which data count as fitted."""
    loss: NotNegative = 0.01
    """Margin of effects in the loss, in nats."""
    octaves: NotNegative = 0.1
    """Margin of ratios of epochs or magnitudes, in octaves (1 = a factor of two)."""
    single: NotNegative = 1.0
    """Margin of the largest peak over the runner-up's, in octaves (1 = twice as large)."""
    share: NotNegative = 0.1
    """Margin of shares of samples."""
    depth: NotNegative = 0.0
    """Margin of depths, which are numbers of layers over the number of all hidden layers."""
    cosine: NotNegative = 0.01
    """Margin of effects in cosine similarity."""
    explained: NotNegative = 0.05
    """Margin of differences in explained variance."""


class DataDecomposition(Block):
    """Settings of one figure."""

    images: Annotated[int, Field(ge=1, le=100)] = 12
    """Number of noisy images shown."""


class LargeActivationInputs(Block):
    """Settings of one figure."""

    images: Annotated[int, Field(ge=1, le=100)] = 8
    """Number of images with the largest activation, and with the smallest."""


class Figures(Block):
    """How figures look."""

    dpi: Annotated[int, Field(ge=30, le=1200)] = 200
    """Resolution of the PNG files, in dots per inch."""
    data_decomposition: DataDecomposition = DataDecomposition()
    large_activation_inputs: LargeActivationInputs = LargeActivationInputs()


class Settings(Block):
    """The settings groups, which `defaults` and every experiment have."""

    subset: Subset = Subset()
    training: Training = Training()
    activations: Activations = Activations()
    interventions: Interventions = Interventions()
    measures: Measures = Measures()
    twins: bool = False
    """Whether each run is compared with its twin: the same model and seed without noise. This adds the noise `clean`
    (symmetric, rate 0) to the experiment."""
    maps: bool = False
    """Whether test error is drawn as a map over epochs and widths, and over epochs and noise rates. A map needs at
    least three of them."""
    separation: Separation = Separation()
    outliers: Outliers = Outliers()
    phases: Phases = Phases()
    summary: Summary = Summary()
    claims: Claims = Claims()
    figures: Figures = Figures()
