"""From any data set to samples: keys, and images that may be loaded later."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from torch import Tensor

from captum_scd._errors import ImageError, one_line

Image = Tensor | Callable[[], Tensor]


@dataclass(frozen=True, eq=False)
class Sample:
    """An image that is to be explained.

    Attributes:
        key: unlike that of any other image of the data set, the same in every run.
        image: (C, *size) as the network takes it, or a function that loads it; such functions are called in
            several threads ahead of the network, and not at all for images that are done.
        target: class to explain, None for the predicted one.
        label: true class, where it is known.
        source: path or URL.
        digest: hash of the file, or a function that finds it (see `digest_of`): what is done already counts
            only for a file of the same hash. Empty where the key alone says which image it is.

    >>> sample = Sample("cat.jpg", lambda: torch.zeros(3, 8, 8), label=5)
    >>> sample.load().shape
    torch.Size([3, 8, 8])
    """

    key: str
    image: Image
    target: int | None = None
    label: int | None = None
    source: str = ""
    digest: str | Callable[[], str] = ""

    def identified(self) -> "Sample":
        """Find the hash, so that it is known whatever becomes of the file; empty where it cannot be read."""
        try:
            return self if isinstance(self.digest, str) else replace(self, digest=self.digest())
        except Exception:  # loading says what is wrong
            return replace(self, digest="")

    def load(self) -> Tensor:
        """Return the image.

        Raises:
            ImageError: if it cannot be loaded, or is no tensor.
        """
        try:
            image = self.image() if callable(self.image) else self.image
        except ImageError:
            raise
        except Exception as error:
            raise ImageError(f"it cannot be loaded ({one_line(error)})") from error
        if not isinstance(image, Tensor):
            raise ImageError(f"it is a {type(image).__name__}, not a tensor")
        return image


@dataclass(frozen=True)
class Unloadable:
    """Stands for an image that is not there: loading it says why."""

    why: str

    def __call__(self) -> Tensor:
        """Raise `ImageError`."""
        raise ImageError(self.why)


def loaded_sample(sample: Sample) -> tuple[Sample, Tensor]:
    """Hash a sample and load it, in this order: what takes the file's place meanwhile has another hash.

    Raises:
        ImageError: as `Sample.load` does.
    """
    known = sample.identified()
    return known, known.load()


def samples(dataset: Any) -> Iterator[Sample]:
    """Go through a data set in its order.

    Args:
        dataset: anything to iterate over, or with a length and items by number, such as a torch `Dataset` or
            `DataLoader`. An item is a `Sample`, or a tuple (key, image) or (key, image, target); what a
            `DataLoader` has collated, lists of keys and tensors with a row per image, is taken apart. An item
            of a `Dataset` that raises becomes a sample that cannot be loaded, with the key `item NUMBER`.

    Raises:
        TypeError: for anything else.
    """
    for item in _items(dataset):
        if isinstance(item, Sample):
            yield item
        elif isinstance(item, (tuple, list)) and len(item) in (2, 3) and isinstance(item[0], (list, tuple)):
            yield from (_sample(row) for row in zip(*item, strict=True))
        else:
            yield _sample(item)


def known_length(dataset: Any) -> int | None:
    """Number of images, where the data set knows it; a `DataLoader` that collates knows its `dataset`'s."""
    counted = getattr(dataset, "dataset", dataset)
    try:
        return len(counted)
    except TypeError:
        return None


def _items(dataset: Any) -> Iterator[Any]:
    if isinstance(dataset, Iterable):
        return iter(dataset)
    if hasattr(dataset, "__getitem__") and hasattr(dataset, "__len__"):
        return (_item(dataset, number) for number in range(len(dataset)))
    raise TypeError(
        "Expected a data set to iterate over, or with a length and items by number, "
        f"but got {type(dataset).__name__}."
    )


def _item(dataset: Any, number: int) -> Any:
    try:
        return dataset[number]
    except Exception as error:
        return Sample(f"item {number}", Unloadable(f"it cannot be loaded ({one_line(error)})"))


def _sample(item: Any) -> Sample:
    if not isinstance(item, (tuple, list)) or len(item) not in (2, 3) or not isinstance(item[0], str):
        came = f"({', '.join(type(one).__name__ for one in item)})" if isinstance(item, tuple) else repr(item)
        raise TypeError(
            "Expected items of a data set to be samples, (key, image) or (key, image, target) with a string "
            f"for a key, but got {came[:80]}."
        )
    target = item[2] if len(item) == 3 else None
    return Sample(item[0], item[1], None if target is None else int(target))
