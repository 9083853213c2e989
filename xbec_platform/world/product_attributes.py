"""Attributes of products and how well they match the tastes of the segments. Prices and popularity are in catalogue."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from xbec_platform.world.spec import parameters

Attributes = dict[str, str]
# A category without colours or materials says so with this word; such an attribute is left out.
ABSENT = "none"


def draw_attributes(
    rng: np.random.Generator, category: Mapping[str, Any], price_tiers: Sequence[str]
) -> list[Attributes]:
    """Return the attributes of the products of a category; one product per price tier given."""
    choices: dict[str, Sequence[str]] = {
        "colour": category["colours"],
        "material": category["materials"],
        "age_group": category["ages"],
        "style": parameters("products")["styles"],
        **category["attributes"],
    }
    drawn = {name: rng.choice(list(values), len(price_tiers)) for name, values in choices.items()}
    return [
        {
            **{name: str(values[row]) for name, values in drawn.items() if values[row] != ABSENT},
            "price_tier": tier,
        }
        for row, tier in enumerate(price_tiers)
    ]


def price_tiers(price_cents: npt.NDArray[np.int64]) -> list[str]:
    """Return the price tier of each product of one kind: cheapest third, middle, dearest."""
    names = parameters("products")["price_tiers"]
    rank = np.argsort(np.argsort(price_cents, kind="stable"), kind="stable")
    return [str(names[place * len(names) // len(rank)]) for place in rank]


def as_json(attributes: Attributes) -> str:
    """Return the text of the products feed."""
    return json.dumps(attributes, sort_keys=True, ensure_ascii=False)


def segment_weights(
    attributes: Sequence[Attributes], category: npt.NDArray[np.int64]
) -> npt.NDArray[np.float32]:
    """Return how strongly each segment prefers a product within its category, mean 1.

    The product of the factors in `products.yml` of all attribute values the product has.

    Args:
        attributes: Attributes of each product.
        category: Index of the category of each product.

    Returns:
        float32 [segments x products], rounded to four decimals.
    """
    tastes = parameters("products")["segments"].values()
    weight = np.array(
        [
            [
                np.prod([taste.get(name, {}).get(value, 1.0) for name, value in of.items()])
                for of in attributes
            ]
            for taste in tastes
        ]
    )
    total = np.zeros((len(weight), int(category.max()) + 1))
    for segment, row in enumerate(weight):
        total[segment] = np.bincount(category, row) / np.bincount(category)
    return np.round(weight / total[:, category], 4).astype(np.float32)
