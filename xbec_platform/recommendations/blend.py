"""Several generators from item to item added up to one; how much each counts is learned elsewhere.

All of them sum over what is known of a customer: their matrices are added once instead of their scores for everybody.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xbec_platform.recommendations.ease import ItemModel

MOST_BLENDED = 10_000
"""Products: beyond it a fit takes a minute and each matrix .4 GB and more, so EASE stands alone."""


def can_blend(model: ItemModel) -> bool:
    """Whether a model is small enough, and EASE has all of it."""
    return len(model.weights) == len(model.columns) <= MOST_BLENDED


@dataclass(frozen=True, kw_only=True)
class BlendParams:
    """What each generator counts, beside the others at equal length (Frobenius norm) of their matrices.

    Attributes:
        ease: EASE.
        neighbours: cosine of products over customers (item-kNN).
        discount: power of a shown product's own count by which neighbours are divided: .5 is the cosine, .2 leaves
            popular products ahead, which is better in small shops and on the move of a few weeks.
        attributes: match of attributes.
        popularity: share of buyers in the customer's market, the first one beside the customer's best score.
    """

    ease: float = 1.0
    neighbours: float = 0.0
    discount: float = 0.5
    attributes: float = 0.0
    popularity: float = 0.0

    def __post_init__(self) -> None:
        """Refuse weights below 0, and none at all."""
        weights = (self.ease, self.neighbours, self.attributes, self.popularity)
        if min(weights) < 0 or not sum(weights) > 0:
            raise ValueError(
                f"weights of generators are {weights}: give numbers from 0, one of them above it"
            )

    @property
    def is_plain(self) -> bool:
        """EASE alone."""
        return self == BlendParams()

    def __str__(self) -> str:
        """In words, for people."""
        parts = {
            "ease": self.ease,
            f"neighbours (discount {self.discount:g})": self.neighbours,
            "attributes": self.attributes,
            "popularity": self.popularity,
        }
        return " + ".join(f"{weight:g} {name}" for name, weight in parts.items() if weight)


@dataclass(frozen=True)
class Generators:
    """Matrices of what products say of others.

    Attributes:
        model: EASE, with its Gram matrix where neighbours are asked for.
        vectors: `attribute_match.attribute_vectors` of all products by product_ix, or None.
        new: product_ix, ascending: products that are not modelled and may be shown; attributes alone speak for them.
    """

    model: ItemModel
    vectors: Any
    new: NDArray[np.int64]

    def neighbours(self, discount: float) -> NDArray[np.float32]:
        """Products bought by the same customers, by the power of the shown one's own count; modelled x modelled."""
        gram = self.model.gram
        if gram is None:
            raise ValueError("neighbours need the Gram matrix: fit EASE with gram_up_to")
        count = np.diag(gram)
        alike: NDArray[np.float32] = (gram / np.sqrt(count)[:, None]).astype(np.float32, copy=False)
        alike /= count ** np.float32(discount)
        np.fill_diagonal(alike, 0)
        return alike

    def attributes(self, shown: NDArray[np.int64]) -> NDArray[np.float32]:
        """Cosine of attributes; modelled x products asked for, 0 with itself."""
        rows = self.vectors[self.model.columns]
        alike: NDArray[np.float32] = (rows @ self.vectors[shown].T).toarray()
        alike[self.model.columns[:, None] == shown] = 0
        return alike

    def parts(self, params: BlendParams) -> Iterator[tuple[float, NDArray[np.float32]]]:
        """Matrices over modelled products at length 1, each with its weight; popularity belongs to markets."""
        if params.ease:
            yield params.ease, _unit(self.model.weights)
        if params.neighbours:
            yield params.neighbours, _unit(self.neighbours(params.discount))
        if params.attributes and self.vectors is not None:
            yield params.attributes, _unit(self.attributes(self.model.columns))

    def blended(self, params: BlendParams) -> ItemModel:
        """Add up, and let attributes speak for new products.

        What they give to a new one is what they let expect of the blend: the least-squares slope of its weights on the
        cosines of attributes, over the modelled products (a linear map from attributes to weights, as in Gantner et
        al. 2010, "Learning attribute-to-feature mappings for cold-start recommendations").
        """
        if not can_blend(self.model) or (params.is_plain and not len(self.new)):
            return self.model
        total = np.zeros_like(self.model.weights)
        for weight, part in self.parts(params):
            total += np.float32(weight) * part
        if not len(self.new):
            return ItemModel(self.model.columns, self.model.columns, total)
        alike = self.attributes(self.model.columns)
        square = float(np.square(alike).sum(dtype=np.float64))
        slope = max(0.0, float((alike * total).sum(dtype=np.float64)) / square) if square else 0.0
        shown = np.concatenate([self.model.columns, self.new])
        weights = np.hstack([total, np.float32(slope) * self.attributes(self.new)])
        order = np.argsort(shown)
        return ItemModel(self.model.columns, shown[order], np.ascontiguousarray(weights[:, order]))


def _unit(matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    length = np.sqrt(np.square(matrix).sum(dtype=np.float64))
    return matrix / np.float32(length) if length > 0 else matrix
