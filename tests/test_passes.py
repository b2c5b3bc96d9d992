"""Rows that went through a network are counted, and how."""

import pytest
import torch
from torch import nn

from captum_scd.passes import counted


def test_rows_are_counted_with_and_without_a_graph(net, images) -> None:
    with counted(net) as passes:
        net(images)
        with torch.no_grad():
            net(images[:2])
    assert (passes.forward, passes.backward, passes.total) == (2, 3, 5)


def test_a_frozen_network_has_a_graph_only_for_inputs_that_ask_for_one(net, images) -> None:
    net.requires_grad_(False)
    with counted(net) as passes:
        net(images)
        net(images[:1].requires_grad_())
    assert (passes.forward, passes.backward) == (3, 1)


def test_no_hook_is_left_also_after_an_error(net, images) -> None:
    with pytest.raises(RuntimeError, match="channels"), counted(net) as passes:
        net(images[:, :1])
    assert not net._forward_hooks
    assert passes.total == 0


def test_outputs_that_are_no_tensors_are_not_counted() -> None:
    class Pair(nn.Module):
        def forward(self, x):
            return x, x

    pair = Pair()
    with counted(pair) as passes:
        pair(torch.ones(2))
    assert passes.total == 0
