"""Explaining many images: any iterable in, a store of masks out."""

from captum_scd.dataset.running import Outcome, explain_dataset
from captum_scd.dataset.samples import Sample
from captum_scd.runs.explaining import Explaining

__all__ = ["Explaining", "Outcome", "Sample", "explain_dataset"]
