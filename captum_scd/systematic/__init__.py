"""Where a network looks when it is right and when it is wrong, over many images: shortcuts, and what errs.

Works on plain records, a `Case` per image, wherever their masks come from. `find` compares, class by class,
the images the network calls alike and the groups among them that look alike through their masks:

>>> corner, middle = torch.zeros(28, 28), torch.zeros(28, 28)
>>> corner[:8, :8], middle[6:22, 6:22] = 1, 1
>>> places = [middle, middle, corner, middle]
>>> cases = [Case(str(k), places[k % 4], k % 4, k % 4, label=k % 4) for k in range(60)]
>>> for group in find(cases).suspicious:
...     print(group.explained, len(group), *[evidence.words for evidence in group.evidence])
2 15 15 of 15 masks lie mostly where those of other classes do not
"""

from captum_scd.systematic.appearance import appearance
from captum_scd.systematic.cases import Case
from captum_scd.systematic.classes import Answers, ClassLooks, by_class
from captum_scd.systematic.embedding import Embedding
from captum_scd.systematic.evidence import Evidence
from captum_scd.systematic.finding import Findings, find
from captum_scd.systematic.groups import Group
from captum_scd.systematic.places import look, share_on

__all__ = [
    "Answers",
    "Case",
    "ClassLooks",
    "Embedding",
    "Evidence",
    "Findings",
    "Group",
    "appearance",
    "by_class",
    "find",
    "look",
    "share_on",
]
