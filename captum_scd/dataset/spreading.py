"""Which Ray cluster does the work."""

from captum_scd.runs.spreading import Cluster

__all__ = ["Cluster"]
