"""A demonstration that needs no download: beetles told apart by one small mark, and a network for them.

`generate` draws the pictures with their ground truth, `load` returns the trained network, and `normalize`
goes between the two:

>>> from captum_scd.demo import generate, load, normalize
>>> pictures = generate(8)
>>> load()(normalize(pictures.images)).argmax(1).equal(pictures.labels)
True
"""

from captum_scd.demo.beetle import SPECIES, look_alike
from captum_scd.demo.card import with_card
from captum_scd.demo.generator import DemoImages, generate
from captum_scd.demo.model import MEAN, STD, BeetleNet, load, normalize

__all__ = [
    "MEAN",
    "SPECIES",
    "STD",
    "BeetleNet",
    "DemoImages",
    "generate",
    "load",
    "look_alike",
    "normalize",
    "with_card",
]
