"""What attention carries from the patches of an image to the class.

Attention is watched where PyTorch computes it, not in modules of certain names: scaled dot products, a
softmax over tokens, and `nn.MultiheadAttention`. The gradient of the class in the weights is known also where
a fused kernel never shows them: of an output W V with gradient G, it is G V^T.
"""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from captum_scd._captum import Target
from captum_scd.comparison.layers import NotApplicableError, token_grid
from captum_scd.comparison.question import class_logits

SOFTMAX = (F.softmax, torch.softmax, Tensor.softmax)


@dataclass(frozen=True)
class Seen:
    """One attention among the tokens of each image.

    Attributes:
        weights: (N, heads, T, T), what each token (row) takes from each (column); rows sum to 1.
        output: of the computation, with a graph.
        slope: gradient in the output -> gradient (N, heads, T, T) in the weights.
    """

    weights: Tensor
    output: Tensor
    slope: Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class AttentionRelevance:
    """Relevance of the patches through all layers of attention (Chefer et al. 2021, equations 5, 6 and 13).

    The paper reads the row of the class token. Here the rows are averaged by how much the class's gradient
    asks of each token in the last layer: for a head on the class token, the same; others have no such row.

    Attributes:
        model: the network.
    """

    model: Callable[..., Any]

    def __call__(
        self, inputs: Tensor, target: Target = None, additional_forward_args: object = None
    ) -> Tensor:
        """Make the maps of images (N, C, H, W): (N, 1, h, w), 0 at least, larger = more important.

        Raises:
            NotApplicableError: where no attention is seen, or its tokens lie on no grid.
        """
        with Watch(len(inputs)) as watch:
            logits = class_logits(self.model, inputs.requires_grad_(), target, additional_forward_args)
        seen = _one_count(watch.seen)
        size = inputs.shape[2], inputs.shape[3]
        grid = token_grid(seen[0].weights.shape[-1], size, watch.embedded)
        if grid is None:
            raise NotApplicableError(f"its {seen[0].weights.shape[-1]} tokens lie on no grid of the image")
        gradients = torch.autograd.grad(logits.sum(), [one.output for one in seen], allow_unused=True)
        used = [
            (one, one.slope(slope)) for one, slope in zip(seen, gradients, strict=True) if slope is not None
        ]
        values = relevance([one.weights for one, _ in used], [slope for _, slope in used])
        return values[:, -grid[0] * grid[1] :].reshape(len(inputs), 1, *grid)


class Watch(TorchFunctionMode):
    """Notes each attention among the tokens of one image, and the size of the patch embedding.

    Attributes:
        seen: the attentions, in their order.
        embedded: (h, w) of the last convolution's output, None where there is none.
    """

    def __init__(self, count: int) -> None:
        super().__init__()
        self.count = count
        self.seen: list[Seen] = []
        self.embedded: tuple[int, ...] | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Call a function of PyTorch, and note it if it computes attention."""
        output = func(*args, **(kwargs or {}))
        if func is torch.conv2d:
            self.embedded = tuple(output.shape[2:])
        one = _seen(func, output, args, kwargs or {})
        if one is not None and _among_tokens(one, self.count):
            self.seen.append(one)
        return output


def attends(run: Callable[[], Any], count: int) -> bool:
    """Tell whether attention among the tokens of so many images is seen as a network runs, with a graph."""
    try:
        with Watch(count) as watch:
            run()
    except Exception:
        return False  # the rows of the methods say what is wrong
    return bool(watch.seen)


def relevance(weights: list[Tensor], gradients: list[Tensor]) -> Tensor:
    """Carry relevance through layers of attention, each (N, heads, T, T), to the class.

    Returns:
        (N, T), what the class has of each token, 0 at least.

    >>> eye = torch.eye(3)[None, None]
    >>> relevance([eye.roll(1, 2)], [eye.roll(1, 2)])  # row 0 takes all from token 2, row 1 from token 0, ...
    tensor([[0.3333, 0.3333, 0.3333]])
    """
    identity = torch.eye(weights[0].shape[-1]).to(weights[0])
    carried = identity.expand(len(weights[0]), -1, -1)
    for one, slope in zip(weights, gradients, strict=True):
        carried = carried + (slope * one).clamp(min=0).mean(1) @ carried
    asked = gradients[-1].abs().sum((1, 3))
    rows = asked / asked.sum(1, keepdim=True).clamp(min=torch.finfo(asked.dtype).tiny)
    return (rows[:, None] @ (carried - identity))[:, 0]


def _one_count(seen: list[Seen]) -> list[Seen]:
    """Check that there is attention, all of it among the same number of tokens."""
    if not seen:
        raise NotApplicableError(
            "no attention among the tokens of an image was seen: no scaled dot products, no softmax over "
            "tokens and no torch.nn.MultiheadAttention"
        )
    counts = sorted({one.weights.shape[-1] for one in seen})
    if len(counts) > 1:
        raise NotApplicableError(f"its layers attend among different numbers of tokens, {counts}")
    return seen


def _among_tokens(one: Seen, count: int) -> bool:
    shape = one.weights.shape
    return len(shape) == 4 and shape[0] == count and shape[2] == shape[3] > 1 and one.output.requires_grad


def _seen(func: Any, output: Any, args: Any, kwargs: Any) -> Seen | None:
    """Read an attention off a call, None where it is none or of a kind that is not read."""
    if func in SOFTMAX:
        return Seen(output.detach(), output, lambda slope: slope)
    if func is F.scaled_dot_product_attention:
        return _of_products(output, *args, **kwargs)
    if func is F.multi_head_attention_forward:
        return _of_heads(output[0], inspect.signature(func).bind(*args, **kwargs).arguments)
    return None


def _of_products(
    output: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Seen | None:
    if attn_mask is not None or is_causal or query.shape != key.shape:
        return None
    scores = query @ key.transpose(-2, -1) * (query.shape[-1] ** -0.5 if scale is None else scale)
    values = value.detach().transpose(-2, -1)
    return Seen(scores.softmax(-1).detach(), output, lambda slope: slope @ values)


def _of_heads(output: Tensor, given: dict[str, Any]) -> Seen | None:
    """Of `nn.MultiheadAttention`, which is called with tokens first: (T, N, D)."""
    apart = ("bias_k", "bias_v", "add_zero_attn", "use_separate_proj_weight", "attn_mask", "key_padding_mask")
    if any(given.get(name) is not None and given.get(name) is not False for name in apart):
        return None
    if given["query"].ndim != 3 or given["query"].shape != given["key"].shape:
        return None
    heads = given["num_heads"]
    bias = given["in_proj_bias"]
    parts = zip(
        (given["query"], given["key"], given["value"]),
        given["in_proj_weight"].chunk(3),
        (None,) * 3 if bias is None else bias.chunk(3),
        strict=True,
    )
    query, key, value = (_by_head(F.linear(tokens, *how), heads).detach() for tokens, *how in parts)
    weights = (query @ key.transpose(-2, -1) * query.shape[-1] ** -0.5).softmax(-1)
    out: Tensor = given["out_proj_weight"].detach()
    return Seen(weights, output, lambda slope: _by_head(slope @ out, heads) @ value.transpose(-2, -1))


def _by_head(tokens: Tensor, heads: int) -> Tensor:
    """Split the features of tokens among the heads, (T, N, D) -> (N, heads, T, D / heads)."""
    split: Tensor = tokens.unflatten(2, (heads, -1))
    return split.permute(1, 2, 0, 3)
