"""What can be tested of the path on a GPU without one.

On the device `meta` operations have shapes and strides but no values: an epoch that reads a value back fails there.
"""

import collections
import contextlib
import itertools

import pytest
import torch
from torch.library import Library
from torch.utils._python_dispatch import TorchDispatchMode

from epochwise.training import device as device_module
from epochwise.training import graph
from epochwise.training.device import choose_device, choose_precision, environment_variables, hardware
from epochwise.training.evaluation import TrainingData
from epochwise.training.layout import padded, squeeze
from epochwise.training.mlp import MLP, initialize
from epochwise.training.optimizer import Optimizer
from epochwise.training.stack import CUDA_PIECES, Stack
from epochwise.workflow.errors import InputError

CLASSES, BATCH = 10, 16
ADAM = Optimizer(1e-3)
# A step may launch only these. Each has a deterministic CUDA kernel, and none waits for the GPU: look up before adding.
PRODUCTS = {"mm.out", "addmm.out", "bmm.out", "baddbmm.out", "addmm.dtype_out", "baddbmm.dtype_out"}
OTHERS = {
    "reshape.default", "index_select.out", "relu_.default", "softmax.int", "sub_.Tensor",
    "threshold_backward.grad_input", "add_.Tensor", "_fused_adam_.default", "copy_.default", "to.dtype",
}  # fmt: skip

# With a cap on activations, gradient descent or weight decay.
OF_ABLATIONS = {"clamp_.default", "hardtanh_backward.grad_input", "_fused_sgd_.default", "mul_.Tensor"}
OF_SOFTMAX_TWICE = {"mul.Tensor", "mul_.Tensor", "sum.dim_IntList"}


class Recorder(TorchDispatchMode):
    """Records every operation with its arguments and its result, and can run them again on the same memory."""

    def __init__(self):
        super().__init__()
        self.calls = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        self.calls.append((func, args, kwargs or {}, result))
        return result

    def counts(self):
        """How often each operation launches a kernel: it writes into memory, and is no view of its first argument."""

        def memory(value):
            return (value[0] if isinstance(value, (list, tuple)) else value).untyped_storage()._cdata

        def launches(func, args, result):
            return func._schema.is_mutable or memory(result) != memory(args[0])

        return collections.Counter(
            str(func).removeprefix("aten.") for func, args, _, result in self.calls if launches(func, args, result)
        )

    def devices(self):
        values = itertools.chain.from_iterable((*args, *kwargs.values()) for _, args, kwargs, _ in self.calls)
        lists = (value if isinstance(value, (list, tuple)) else [value] for value in values)
        return {t.device.type for t in itertools.chain.from_iterable(lists) if isinstance(t, torch.Tensor)}

    def replay(self):
        with torch.inference_mode():
            for func, args, kwargs, result in self.calls:
                again = func(*args, **kwargs)
                if isinstance(result, torch.Tensor) and again.data_ptr() != result.data_ptr():
                    result.copy_(again)


@pytest.fixture(autouse=True)
def operations_that_torch_lacks():
    """torch has `addmm.dtype_out` for CUDA only, a wrong shape function for `baddbmm.dtype_out`, and none for
    `_fused_sgd_`."""

    def compute(_, left, right, out_dtype, *, beta, alpha, out):
        assert (out_dtype, beta, out.dtype) == (torch.float32, 0, torch.float32)
        return out.copy_(alpha * (left.float() @ right.float()))

    def shape(_, left, right, out_dtype, *, beta, alpha, out):
        assert out.shape == (*left.shape[:-1], right.shape[-1])
        return out

    libraries = []
    for kind, function in (("CPU", compute), ("Meta", shape)):
        libraries.append(Library("aten", "IMPL", kind))
        for name in ("addmm.dtype_out", "baddbmm.dtype_out"):
            libraries[-1].impl(name, function, allow_override=True)
    libraries[-1].impl("_fused_sgd_", lambda *_, **__: None)
    yield
    for library in libraries:
        library._destroy()


def make(depth, width, count, dtype, device, inputs=3072, cap=None, optimizer=ADAM, loss="cross_entropy"):
    with torch.device("meta" if device == "meta" else "cpu"):
        networks = [MLP(inputs, [width] * depth, CLASSES, cap) for _ in range(count)]
    if device != "meta":
        for seed, network in enumerate(networks):
            initialize(network, "pytorch", seed)
    return Stack(networks, optimizer, device, dtype, loss)


def epoch_on_meta(stack, samples):
    """The operations of an epoch after the first one, which makes the buffers."""
    inputs = torch.empty(samples, padded(stack.sizes[0]), device="meta", dtype=stack.dtype)
    labels = torch.empty(len(stack.networks), samples, device="meta", dtype=torch.int64)
    permutations = torch.empty_like(labels)
    stack.train_epoch(inputs, labels, permutations, BATCH)
    with torch.inference_mode(), Recorder() as recorded:
        stack.train_epoch(inputs, labels, permutations, BATCH)
    stack.logits(inputs)
    return recorded


counts_and_dtypes = pytest.mark.parametrize(
    ("count", "dtype"), list(itertools.product((1, 3), (torch.float32, torch.bfloat16)))
)


# Numbers of hidden layers, cap and optimizer.
TRAININGS = {
    "one layer": (1, None, ADAM),
    "six layers": (6, None, ADAM),
    "cap": (3, 2.0, ADAM),
    "gradient descent": (3, None, Optimizer(1e-3, "sgd")),
    "momentum": (3, None, Optimizer(1e-3, "sgd", momentum=0.9)),
    "weight decay": (3, None, Optimizer(1e-3, weight_decay=0.1)),
    "all": (3, 2.0, Optimizer(1e-3, "sgd", momentum=0.9, weight_decay=0.1)),
}
each_training = pytest.mark.parametrize(("depth", "cap", "optimizer"), TRAININGS.values(), ids=TRAININGS)


@counts_and_dtypes
@each_training
def test_an_epoch_reads_no_value_back_and_launches_a_known_number_of_kernels(count, dtype, depth, cap, optimizer):
    stack = make(depth, 64, count, dtype, "meta", cap=cap, optimizer=optimizer)
    shorter, longer = epoch_on_meta(stack, 3 * BATCH + 5), epoch_on_meta(stack, 4 * BATCH + 5)
    assert longer.devices() == {"meta"}, "nothing of an epoch is on the processor"
    step = longer.counts() - shorter.counts()
    assert step.keys() <= PRODUCTS | OTHERS | (OF_ABLATIONS if depth == 3 else set())
    assert sum(step.values()) == stack.launches_per_step
    assert step[f"_fused_{optimizer.kind}_.default"] == 1


@counts_and_dtypes
def test_softmax_applied_twice_reads_no_value_back_and_launches_a_known_number_of_kernels(count, dtype):
    stack = make(3, 64, count, dtype, "meta", loss="cross_entropy_of_softmax")
    shorter, longer = epoch_on_meta(stack, 3 * BATCH + 5), epoch_on_meta(stack, 4 * BATCH + 5)
    step = longer.counts() - shorter.counts()
    assert step.keys() <= PRODUCTS | OTHERS | OF_SOFTMAX_TWICE
    assert sum(step.values()) == stack.launches_per_step


@counts_and_dtypes
def test_all_gradients_are_written_as_float32_and_rounded_nowhere(count, dtype):
    stack = make(2, 64, count, dtype, "meta")
    assert stack.gradient.dtype == torch.float32
    counts = epoch_on_meta(stack, BATCH).counts()
    expected = ("addmm" if count == 1 else "baddbmm") + (".out" if dtype == torch.float32 else ".dtype_out")
    assert counts[expected] == 3


def matrices_of(recorded):
    """Every operand and result of every product, as a matrix."""
    for func, args, kwargs, _ in recorded.calls:
        if str(func).removeprefix("aten.") in PRODUCTS:
            operands = [value for value in args if isinstance(value, torch.Tensor)][-2:]
            for operand in (*operands, kwargs["out"]):
                yield operand if operand.dim() == 2 else operand[0]


@counts_and_dtypes
@pytest.mark.parametrize(("width", "batch", "inputs"), [(256, 16, 3072), (1024, 16, 3072), (1, 1, 1), (33, 7, 40)])
def test_products_take_their_operands_without_copies_and_aligned_to_16_bytes(count, dtype, width, batch, inputs):
    stack = make(2, width, count, dtype, "meta", inputs)
    for matrix in matrices_of(epoch_on_meta(stack, batch)):
        (rows, columns), (down, across) = matrix.shape, matrix.stride()
        assert (down == 1 and across >= rows) or (across == 1 and down >= columns) or 1 in (rows, columns)
        if width % 8 == 0 and CLASSES not in matrix.shape:
            length, distance = (rows, across) if down == 1 else (columns, down)
            for elements in (length, distance, matrix.storage_offset()):
                assert elements * matrix.element_size() % 16 == 0, (tuple(matrix.shape), matrix.stride())


def test_one_call_of_adam_occupies_a_gpu_with_a_small_network_too():
    stack = make(2, 256, 1, torch.float32, "meta")
    [update] = stack._updates
    assert len(update.weights) == CUDA_PIECES
    assert sum(len(part) for part in update.weights) == len(stack.parameters)
    assert all(part.storage_offset() % 4 == 0 for part in update.weights), "aligned to 16 bytes"


class EmulatedGraph:
    """In place of a CUDA graph: the same operations on the same memory, without the Python code between them."""

    def replay(self):
        self.recorded.replay()


@contextlib.contextmanager
def recording(graph):
    with torch.inference_mode(), Recorder() as graph.recorded:
        yield


@pytest.fixture
def emulated(monkeypatch):
    monkeypatch.setattr(torch.cuda, "CUDAGraph", EmulatedGraph)
    monkeypatch.setattr(torch.cuda, "graph", recording)


def example(count, dtype):
    random = torch.Generator().manual_seed(0)
    inputs = torch.zeros(37, padded(20))
    inputs[:, :20], inputs[:, 20] = torch.randn(37, 20, generator=random), 1
    labels = torch.arange(37).remainder(CLASSES)
    given = torch.stack([labels.roll(seed) for seed in range(count)])
    permutations = [torch.stack([torch.randperm(37, generator=random) for _ in range(count)]) for _ in range(4)]
    return TrainingData(inputs.to(dtype), given, labels, inputs.to(dtype), labels), permutations


@counts_and_dtypes
@each_training
def test_replayed_epochs_are_those_epochs_over_a_resume_too(emulated, count, dtype, depth, cap, optimizer):
    data, permutations = example(count, dtype)
    eager, first, second = (make(depth, 32, count, dtype, "cpu", 20, cap, optimizer) for _ in range(3))
    replayed = graph.RecordedEpoch(first, data, BATCH)
    for order in permutations[:2]:
        assert replayed(order).tolist() == [True] * count
    replayed = graph.RecordedEpoch(second, data, BATCH)  # a new process
    second.restore({name: tensor.clone() for name, tensor in first.state().items()})
    for order in permutations[2:]:
        replayed(order)
    for order in permutations:
        eager.train_epoch(data.inputs, data.given, order, BATCH)
    for name, tensor in eager.state().items():
        assert torch.equal(tensor, second.state()[name]), name
    assert torch.equal(eager.logits(data.inputs), second.logits(data.inputs))


def test_a_replayed_epoch_reports_a_network_that_is_no_longer_finite(emulated):
    data, permutations = example(2, torch.float32)
    stack = make(2, 32, 2, torch.float32, "cpu", 20)
    replayed = graph.RecordedEpoch(stack, data, BATCH)
    stack.networks[1].layers[0].weight[0, 0] = torch.nan
    assert replayed(permutations[0]).tolist() == [True, False]


@pytest.mark.parametrize(("kind", "limit", "recorded"), [("cuda", 51, True), ("cuda", 50, False), ("cpu", 51, False)])
def test_an_epoch_is_recorded_on_a_gpu_unless_it_launches_too_much(monkeypatch, kind, limit, recorded):
    data, permutations = example(1, torch.float32)
    stack = make(2, 32, 1, torch.float32, "cpu", 20)  # 3 steps of 17 launches
    monkeypatch.setattr(graph, "MAX_LAUNCHES", limit)
    monkeypatch.setattr(graph, "RecordedEpoch", lambda *_: "recorded")
    stack.device = torch.device(kind)
    epoch = graph.epoch_of(stack, data, BATCH)
    assert (epoch == "recorded") == recorded
    if kind == "cpu":
        assert epoch(permutations[0]).tolist() == [True]


@pytest.mark.parametrize("count", [1, 3])
def test_float32_gradients_of_bfloat16_products_are_closer_than_rounded_ones(count, monkeypatch):
    data, permutations = example(count, torch.bfloat16)
    gradients = {}
    for name, dtype, kind in (
        ("exact", torch.float32, "cpu"),
        ("rounded", torch.bfloat16, "cpu"),
        ("float32", torch.bfloat16, "cuda"),
    ):
        stack = make(2, 32, count, dtype, "cpu", 20)
        if kind == "cuda":
            stack._exact_gradient = True
            stack.gradient = stack.gradient.float()
            stack._gradients = [squeeze(matrix) for matrix in stack._matrices(stack.gradient)]
            stack._updates = stack._make_updates()
        stack.train_epoch(data.inputs.to(dtype), data.given, permutations[0], 37)
        gradients[name] = stack.gradient.float()
    rounded, exact = ((gradients[name] - gradients["exact"]).norm() for name in ("rounded", "float32"))
    assert 0 < exact < rounded


@pytest.fixture
def settings():
    """Give back what the choice of a device and a precision sets in this process."""
    precision, threads = torch.get_float32_matmul_precision(), torch.get_num_threads()
    library, reduction = (
        torch.backends.cuda.preferred_blas_library(),
        torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction,
    )
    yield
    torch.set_float32_matmul_precision(precision)
    torch.set_num_threads(threads)
    torch.set_deterministic_debug_mode("default")
    torch.utils.deterministic.fill_uninitialized_memory = True
    torch.backends.cuda.preferred_blas_library(library)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = reduction


@pytest.fixture
def gpu(monkeypatch, settings):
    """A GPU that torch sees, and nothing that computes on it."""
    enabled = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda.tunable, "enable", enabled.append)
    for name in device_module.VARIABLES:
        monkeypatch.delenv(name, raising=False)
    return enabled


@pytest.mark.parametrize("inherited", ["highest", "high", "medium"])  # NVIDIA's containers begin with high
@pytest.mark.parametrize(
    ("kind", "precision", "expected"),
    [
        ("cuda", "float32", "highest"),
        ("cuda", "tf32", "high"),
        ("cuda", "bfloat16", "highest"),
        ("cpu", "float32", "highest"),
    ],
)
def test_precision_is_what_was_asked_for_whatever_the_environment_sets(gpu, inherited, kind, precision, expected):
    torch.set_float32_matmul_precision(inherited)
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = True
    dtype = choose_precision(precision, torch.device(kind))
    assert torch.get_float32_matmul_precision() == expected
    assert dtype == (torch.bfloat16 if precision == "bfloat16" else torch.float32)
    assert torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction == (kind == "cpu")
    assert gpu == ([False] if kind == "cuda" else []), "no kernels chosen by their measured time"


@pytest.mark.parametrize(("forced", "precision", "refused"), [
    ("1", "float32", True), ("1", "bfloat16", True), ("0", "tf32", True), ("1", "tf32", False), ("0", "float32", False),
])  # fmt: skip
def test_a_variable_that_overrides_the_precision_is_refused(gpu, monkeypatch, forced, precision, refused):
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", forced)
    with (
        pytest.raises(InputError, match=rf"NVIDIA_TF32_OVERRIDE is {forced}.*{precision}.*Unset")
        if refused
        else contextlib.nullcontext()
    ):
        choose_precision(precision, torch.device("cuda"))
    assert environment_variables() == {"NVIDIA_TF32_OVERRIDE": forced}


@pytest.mark.parametrize("wanted", ["auto", "cuda"])
def test_cuda_is_chosen_with_deterministic_algorithms(gpu, wanted, monkeypatch):
    assert choose_device(wanted, 1) == torch.device("cuda")
    assert torch.are_deterministic_algorithms_enabled() and torch.get_deterministic_debug_mode() == 2
    assert not torch.utils.deterministic.fill_uninitialized_memory
    assert environment_variables() == {"CUBLAS_WORKSPACE_CONFIG": ":4096:8"}
    monkeypatch.delenv("CUBLAS_WORKSPACE_CONFIG")


@pytest.mark.parametrize(("wanted", "requested"), [("cuda", 0), ("cuda", 1), ("auto", 1)])
def test_a_gpu_that_was_asked_for_and_is_missing_ends_the_job(settings, monkeypatch, wanted, requested):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(
        InputError, match=rf"training\.device is {wanted}.*asks for 1 GPU.*sees none.*use training\.device: cpu"
    ):
        choose_device(wanted, 1, requested)


def test_hardware_names_what_rounding_depends_on(monkeypatch):
    properties = type("Properties", (), {"name": "NVIDIA H100", "major": 9, "minor": 0, "multi_processor_count": 132})
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: properties)
    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(device_module, "_cublas_version", lambda: "13.1.0")
    monkeypatch.setattr(device_module, "_driver_version", lambda: "580.65")
    on_gpu, on_processor = hardware(torch.device("cuda")), hardware(torch.device("cpu"))
    assert on_gpu.keys() == on_processor.keys()
    assert device_module.describe_hardware(on_gpu) == (
        "NVIDIA H100, capability 9.0, multiprocessors 132, cuda 13.0, cublas 13.1.0, driver 580.65"
    )
    threads = torch.get_num_threads()
    assert on_processor == {**dict.fromkeys(on_gpu), "threads": threads} and on_gpu["threads"] is None
    assert device_module.describe_hardware(on_processor) == f"{threads} thread{'' if threads == 1 else 's'}"


def test_versions_of_nvidias_libraries_are_asked_for(monkeypatch, tmp_path):
    class Library:
        def cublasGetProperty(self, position, value):
            value._obj.value = (13, 1, 0)[position]

    monkeypatch.setattr(torch.version, "cuda", "13.0")
    monkeypatch.setattr(device_module.ctypes, "CDLL", {"libcublas.so.13": Library()}.get)
    assert device_module._cublas_version() == "13.1.0"
    (tmp_path / "nvidia-smi").write_text("#!/bin/sh\necho 580.65.06\necho 580.65.06\n")
    (tmp_path / "nvidia-smi").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert device_module._driver_version() == "580.65.06"
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert device_module._driver_version() is None
