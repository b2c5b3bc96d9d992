"""A data set explained by the workers of a Ray cluster."""

from captum_scd.runs.on_ray import explain_on_ray

__all__ = ["explain_on_ray"]
