"""Other networks and questions than the one the defaults were chosen on."""

from subjects.question import Question
from subjects.real import birds, mosaics, pairs
from subjects.small import beetles, transformer

SUBJECTS = {
    "mosaics": mosaics,
    "birds": birds,
    "pairs": pairs,
    "beetles": beetles,
    "transformer": transformer,
}

__all__ = ["SUBJECTS", "Question"]
