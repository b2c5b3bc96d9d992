"""The methods that `compare` knows by name. A new one is one function and one line in `METHODS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from captum.attr import (
    GuidedGradCam,
    InputXGradient,
    IntegratedGradients,
    LayerGradCam,
    NoiseTunnel,
    Occlusion,
    Saliency,
)
from torch import Generator, Tensor, nn

from captum_scd.attribution import FIDOAttribution
from captum_scd.comparison import rivals
from captum_scd.comparison.attention import AttentionRelevance, attends
from captum_scd.comparison.calls import Call
from captum_scd.comparison.layers import NotApplicableError, Step, token_layer
from captum_scd.comparison.question import Question
from captum_scd.comparison.tokens import TokenGradCam

NOISE = 0.15
"""Standard deviation of SmoothGrad's noise, as a share of the inputs' range."""

NOISY_COPIES = 25
"""Copies of an image that SmoothGrad averages over."""

WINDOWS = 7
"""Occlusion's window is the shorter side over this: 32 of 224 pixels; it moves by half a window."""


@dataclass(frozen=True)
class Method:
    """A method with a name.

    Attributes:
        label: name in tables and figures.
        build: makes the call for a question; raises `NotApplicableError` where the method has no meaning.
    """

    label: str
    build: Callable[[Question], Call]


def fido(question: Question, **strategies: Any) -> Call:
    """FIDO at the library's defaults where no others of its strategies are given, its joint map."""
    return Call(FIDOAttribution(question.model, **strategies))


def integrated_gradients(question: Question) -> Call:
    """Integrated gradients from the baselines, in 50 steps (Sundararajan et al. 2017)."""
    return Call(IntegratedGradients(question.model), {"n_steps": 50})


def gradcam(question: Question) -> Call:
    """GradCAM of the last map of features, or tokens, its positive part (Selvaraju et al. 2017)."""
    try:
        step = _features(question)
    except NotApplicableError as reason:
        return _token_gradcam(question, reason)
    return Call(LayerGradCam(question.model, step.module), {"relu_attributions": True}, _named(step))


def attention_relevance(question: Question) -> Call:
    """What attention carries from the patches to the class, weighted by gradients (Chefer et al. 2021)."""
    return Call(AttentionRelevance(question.model))


def guided_gradcam(question: Question) -> Call:
    """Guided GradCAM: GradCAM times guided backpropagation (Selvaraju et al. 2017, section 3.2)."""
    step = _features(question)
    if not any(isinstance(part, nn.ReLU) for part in question.model.modules()):  # type: ignore[attr-defined]
        raise NotApplicableError("the model has no torch.nn.ReLU, whose gradient is what is guided")
    method = GuidedGradCam(question.model, step.module)
    return Call(method, {"interpolate_mode": "bilinear"}, _named(step))


def saliency(question: Question) -> Call:
    """Absolute gradient of the class in the pixels (Simonyan et al. 2014)."""
    return Call(Saliency(question.model))


def smoothgrad(question: Question) -> Call:
    """Absolute gradient, averaged over noisy copies (Smilkov et al. 2017)."""
    low, high = question.inputs.aminmax()
    options = {
        "nt_samples": NOISY_COPIES,
        "nt_samples_batch_size": max(1, question.rows // len(question.inputs)),
        "stdevs": NOISE * float(high - low),
    }
    return Call(NoiseTunnel(Saliency(question.model)), options)


def input_x_gradient(question: Question) -> Call:
    """Gradient times the input, by magnitude as all of Captum's gradients are (Shrikumar et al. 2016)."""
    return Call(InputXGradient(question.model))


def occlusion(question: Question) -> Call:
    """Loss of the class as a window of the image is replaced by the baselines (Zeiler and Fergus 2014)."""
    channels, height, width = question.inputs.shape[1:]
    window = max(1, round(min(height, width) / WINDOWS))
    step = max(1, window // 2)
    at_once = 1 if question.inputs.is_cuda else max(1, question.rows // len(question.inputs))
    options = {
        "sliding_window_shapes": (channels, window, window),
        "strides": (channels, step, step),
        "perturbations_per_eval": at_once,  # more than one fails on CUDA in Captum 0.9.0
    }
    return Call(Occlusion(question.model), options, f"window {window} px, stride {step} px")


def rise(question: Question) -> Call:
    """RISE: the mean score of the random masks that keep a pixel (Petsiuk et al. 2018)."""
    return _rival(question, rivals.rise)


def sobol(question: Question) -> Call:
    """Total Sobol indices of cells, by quasi-Monte Carlo masks (Fel et al. 2021)."""
    return _rival(question, rivals.sobol)


def hsic(question: Question) -> Call:
    """Dependence of the score on each cell, by HSIC (Novello et al. 2022)."""
    return _rival(question, rivals.hsic)


def greedy(question: Question) -> Call:
    """A greedy search for the cells that keep the class."""
    return _rival(question, rivals.greedy)


def chance(question: Question) -> Call:
    """A random order of the pixels: the floor."""

    def draw(inputs: Tensor, seed: int) -> Tensor:
        generator = Generator().manual_seed(seed)
        drawn = torch.rand(inputs[:, :1].shape, generator=generator, dtype=torch.float32, device="cpu")
        return drawn.to(inputs.device)

    return Call(draw)


METHODS: Mapping[str, Method] = {
    "fido": Method("FIDO", fido),
    "integrated_gradients": Method("Integrated Gradients", integrated_gradients),
    "gradcam": Method("GradCAM", gradcam),
    "guided_gradcam": Method("Guided GradCAM", guided_gradcam),
    "attention_relevance": Method("Attention relevance", attention_relevance),
    "saliency": Method("Saliency", saliency),
    "smoothgrad": Method("SmoothGrad", smoothgrad),
    "input_x_gradient": Method("Input x Gradient", input_x_gradient),
    "occlusion": Method("Occlusion", occlusion),
    "rise": Method("RISE", rise),
    "sobol": Method("Sobol", sobol),
    "hsic": Method("HSIC", hsic),
    "greedy": Method("Greedy search", greedy),
    "random": Method("Random", chance),
}
"""The methods by name."""

DEFAULT_METHODS = (
    "fido", "integrated_gradients", "gradcam", "guided_gradcam", "smoothgrad", "occlusion", "random",
)  # fmt: skip
"""Those that `compare` runs where none are named, on convolutional networks."""

DEFAULT_METHODS_OF_TOKENS = tuple(
    "attention_relevance" if name == "guided_gradcam" else name for name in DEFAULT_METHODS
)
"""The same on transformers, where GradCAM is that of the tokens."""


def default_methods(question: Question) -> tuple[str, ...]:
    """Choose the methods where none are named: by whether the network has maps of features, or attends."""
    if isinstance(question.features, Step):
        return DEFAULT_METHODS
    attentive = attends(question.score, len(question.inputs))
    return DEFAULT_METHODS_OF_TOKENS if attentive else DEFAULT_METHODS


def _features(question: Question) -> Step:
    if isinstance(question.features, Exception):
        raise question.features
    return question.features


def _rival(question: Question, explain: Callable[..., Tensor]) -> Call:
    note = f"at most {rivals.PASSES} forward passes per image, {rivals.SIDE} x {rivals.SIDE} cells"
    return Call(rivals.Rival(question.model, explain), note=note)


def _token_gradcam(question: Question, reason: NotApplicableError) -> Call:
    """GradCAM of a network of tokens, or the reason why there is none of its features."""
    size = question.inputs.shape[2], question.inputs.shape[3]
    try:
        step = token_layer(question.model, question.score, size)  # type: ignore[arg-type]
    except NotApplicableError:
        raise reason from None
    high, wide = step.grid
    before = step.shape[1] - high * wide
    note = f"layer {step.name!r}, {high} x {wide} tokens" + (
        f" without the {before} before them" if before else ""
    )
    return Call(TokenGradCam(question.model, step), note=note)


def _named(step: Step) -> str:
    return f"layer {step.name!r}, {' x '.join(map(str, step.shape[1:]))}"
