"""From the networks that people have to modules that can be explained."""

from captum_scd.models.outputs import logits_of
from captum_scd.models.similarity import Similarity, similarity_to

__all__ = ["Similarity", "logits_of", "similarity_to"]
