"""From the networks that people have to modules that can be explained."""

from captum_scd.models.similarity import Similarity, similarity_to

__all__ = ["Similarity", "similarity_to"]
