"""Names that the examples in docstrings may use without importing them."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _names_of_examples(doctest_namespace: dict[str, object]) -> None:
    doctest_namespace.update(torch=torch, nn=torch.nn)
