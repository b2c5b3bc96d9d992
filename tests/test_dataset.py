"""The names under which `runs` explains data sets for callers from outside."""

from captum_scd import dataset
from captum_scd.dataset.on_ray import explain_on_ray
from captum_scd.dataset.spreading import Cluster
from captum_scd.runs import explaining, on_ray, running, samples, spreading


def test_the_names_lead_to_the_runs() -> None:
    assert dataset.explain_dataset is running.explain_dataset
    assert (dataset.Explaining, dataset.Sample) == (explaining.Explaining, samples.Sample)
    assert (explain_on_ray, Cluster) == (on_ray.explain_on_ray, spreading.Cluster)
