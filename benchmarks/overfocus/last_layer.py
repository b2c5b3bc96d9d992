"""Retraining of the last layer alone, on images whose groups are balanced (Kirichenko et al. 2022).

The paper (deep feature reweighting, arXiv 2204.02937) penalises the absolute weights, here it is their
squares, as in the other linear classifiers of these benchmarks; the penalty is chosen in folds.
"""

import copy

import torch
from second_look.folds import Pool
from torch import nn

from overfocus.task import Task, through


def retrain(tail: nn.Module, task: Task) -> None:
    """Replace the weights of the tail's classifier by those of a logistic regression on its inputs.

    Args:
        tail: trained; nothing but its `classifier` changes.
        task: whose stem comes before the tail, and whose `balanced` images are learned from.
    """
    embedding = copy.deepcopy(tail).eval()
    embedding.classifier = nn.Identity()
    features = through(nn.Sequential(task.stem, embedding), task.balanced.images)
    pool = Pool(features[:, None], task.balanced.labels)
    last = pool.train(torch.arange(len(features)))
    tail.get_submodule("classifier").load_state_dict(last.state_dict())
