"""What is kept of one image."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from captum_scd.masks import FIDOMasks

SCHEMA = 2
"""Version of what is said of an image, in stores and summaries; a file that does not say is of the first."""


@dataclass(frozen=True, eq=False)
class Entry:
    """The masks of one image, and what the network says of it.

    Attributes:
        key: unlike that of any other image of the store.
        masks: of this one image, with their verdict; in a store they have neither infill nor history, nor
            what several starts agree on.
        target: class that is explained.
        predicted: class with the largest probability.
        probability: in [0, 1], kept to six digits: `image`, of the target on the whole image; `predicted`,
            of the predicted class; `ssr`, of the target where only the cut SSR is shown (higher is better);
            `sdr`, of the target where the cut SDR is taken away (lower is better).
        areas: share of the image, in [0, 1], that the cut masks `ssr`, `sdr` and `joint` cover.
        label: true class, None where it is not known.
        source: path or URL of the image, empty where it has none.
        look_alikes: classes that the target was contrasted with, empty where there was no contrast.
        digest: hash of the photo's file, empty where it is not known, as in stores of earlier versions.

    Raises:
        ValueError: for masks of more or less than one image.

    >>> masks = FIDOMasks(torch.ones(1, 1, 2, 2), torch.zeros(1, 1, 2, 2), size=(4, 4))
    >>> entry = Entry("cat.jpg", masks, target=3, predicted=5, probability={"image": 0.4}, areas={"ssr": 1.0})
    >>> entry.target == entry.predicted, entry.masks.ssr.shape
    (False, torch.Size([1, 1, 4, 4]))
    """

    key: str
    masks: FIDOMasks
    target: int
    predicted: int
    probability: Mapping[str, float]
    areas: Mapping[str, float]
    label: int | None = None
    source: str = ""
    look_alikes: Sequence[int] = ()
    digest: str = ""

    def __post_init__(self) -> None:
        if len(self.masks) != 1:
            raise ValueError(f"Expected the masks of one image in an entry, but got {len(self.masks)}.")


@dataclass(frozen=True)
class Kept:
    """Which photo a store has masks of under a key.

    Attributes:
        batch: where they are.
        digest, source: see `Entry`.

    >>> Kept("first", "9f86d081", "/photos/cat.jpg").batch
    'first'
    """

    batch: str
    digest: str
    source: str
