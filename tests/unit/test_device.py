"""The device and the precision that a job computes with."""

import pytest
import torch

from epochwise.training.device import choose_device, choose_precision
from epochwise.workflow.errors import InputError


def test_the_processor_is_always_there():
    before = torch.get_num_threads()
    try:
        assert choose_device("cpu", 1) == torch.device("cpu")
        assert torch.get_num_threads() == 1
    finally:
        torch.set_num_threads(before)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a CUDA device")
def test_auto_takes_the_processor_where_there_is_no_gpu():
    assert choose_device("auto", torch.get_num_threads()) == torch.device("cpu")


def test_precision_names_the_dtype_of_products():
    cpu = torch.device("cpu")
    assert choose_precision("float32", cpu) == torch.float32
    assert choose_precision("bfloat16", cpu) == torch.bfloat16
    with pytest.raises(InputError, match=r"training\.precision: tf32 needs a CUDA device.*use float32"):
        choose_precision("tf32", cpu)
