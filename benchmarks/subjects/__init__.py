"""Other networks and questions than the one the defaults were chosen on."""

from subjects.question import Question
from subjects.real import birds, dinov2, mosaics, pairs
from subjects.small import beetles, transformer

SUBJECTS = {
    "mosaics": mosaics,
    "birds": birds,
    "pairs": pairs,
    "dinov2": dinov2,
    "beetles": beetles,
    "transformer": transformer,
}

__all__ = ["SUBJECTS", "Question"]
