"""Explaining many images: any iterable in, a store of masks out."""

from captum_scd.runs.explaining import Explaining
from captum_scd.runs.running import Outcome, explain_dataset
from captum_scd.runs.samples import Sample

__all__ = ["Explaining", "Outcome", "Sample", "explain_dataset"]
