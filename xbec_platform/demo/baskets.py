"""What a buyer of the generated shop puts into one order; when and at what price does not belong here."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from xbec_platform.demo.catalogue import Catalogue
from xbec_platform.demo.people import People
from xbec_platform.demo.world import shop_world

GUEST = -1
MAX_LINES = 6
COMPANION_SHARE = 0.4
REORDER_SHARE = 0.7
# A consumable is due again after this share of its usual interval.
DUE_SHARE = 0.75


@dataclass(kw_only=True)
class Shopper:
    """Draws baskets order by order and remembers what each customer has at home."""

    catalogue: Catalogue
    people: People
    rng: np.random.Generator
    _popular: list[npt.NDArray[np.float64]] = field(init=False)
    _taste: npt.NDArray[np.float64] = field(init=False)
    _mean: list[float] = field(init=False)
    _last_bought: dict[int, dict[int, int]] = field(init=False, default_factory=dict)
    _on_sale: tuple[int, npt.NDArray[np.bool_]] = field(init=False)

    def __post_init__(self) -> None:
        """Prepare cumulative probabilities, so that a draw is one binary search."""
        world = shop_world()
        rules = [*world["segments"].values(), {**world["guests"], "price_power": 0.0}]
        self._popular = [self._popularity(rule["price_power"]) for rule in rules]
        self._mean = [rule["lines_mean"] for rule in rules]
        self._taste = np.cumsum(self.people.taste, axis=1)
        self._on_sale = (0, self.catalogue.on_sale(0))

    def _popularity(self, price_power: float) -> npt.NDArray[np.float64]:
        """Return cumulative probabilities of products within each category: Zipf by rank, tilted by price."""
        categories = len(shop_world()["categories"])
        price = self.catalogue.price_cents[0].reshape(categories, -1)
        rank = np.arange(1, price.shape[1] + 1)
        weight = rank**-0.8 * (price / np.median(price, axis=1, keepdims=True)) ** price_power
        return np.asarray(np.cumsum(weight / weight.sum(axis=1, keepdims=True), axis=1))

    def basket(self, customer: int, day: int) -> list[tuple[int, int]]:
        """Return the products and quantities of one order: what is due again, then what is liked."""
        if self._on_sale[0] != day:
            self._on_sale = (day, self.catalogue.on_sale(day))
        kind = -1 if customer == GUEST else int(self.people.segment[customer])
        wanted = min(1 + int(self.rng.poisson(self._mean[kind] - 1)), MAX_LINES)
        products = self._due(customer, day)[:wanted]
        for _ in range(30):
            if len(products) >= wanted:
                break
            product = self._draw(customer, kind)
            for candidate in (product, int(self.catalogue.companion[product])):
                wished = candidate == product or self.rng.random() < COMPANION_SHARE
                if wished and candidate not in products and self._on_sale[1][candidate]:
                    products.append(candidate)
        self._remember(customer, day, products[:MAX_LINES])
        return [(product, self._quantity(product)) for product in products[:MAX_LINES]]

    def _draw(self, customer: int, kind: int) -> int:
        categories, per_category = self._popular[kind].shape
        first, second = self.rng.random(2)
        if customer == GUEST:
            category = int(first * categories)
        else:
            category = min(int(np.searchsorted(self._taste[customer], first)), categories - 1)
        place = min(int(np.searchsorted(self._popular[kind][category], second)), per_category - 1)
        return int(category * per_category + place)

    def _due(self, customer: int, day: int) -> list[int]:
        due = [
            product
            for product, last in self._last_bought.get(customer, {}).items()
            if day - last >= DUE_SHARE * self.catalogue.replenish_days[product] and self._on_sale[1][product]
        ]
        return [product for product in due if self.rng.random() < REORDER_SHARE]

    def _remember(self, customer: int, day: int, products: list[int]) -> None:
        if customer == GUEST:
            return
        shelf = self._last_bought.setdefault(customer, {})
        shelf.update((product, day) for product in products if self.catalogue.replenish_days[product])

    def _quantity(self, product: int) -> int:
        return 1 + int(self.rng.poisson(0.5 if self.catalogue.replenish_days[product] else 0.12))
