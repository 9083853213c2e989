"""What visitors do, block by block: pages, lists of recommendations, orders. Times are in `visits`."""

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from xbec_platform.world.arrivals import BOT, CONTACT, ORDER
from xbec_platform.world.behaviour import PRODUCT_TABLE_SIZE, Behaviour, Tastes
from xbec_platform.world.sessions import Sessions
from xbec_platform.world.spec import parameters
from xbec_platform.world.vocabulary import NO_PLACEMENT, TABLE_SIZE, examination, lookup_table, vocabulary

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]

# Ranks of blocks within a session: clicks on a slot come between two blocks, an order after all of them.
RANKS_PER_BLOCK = 16
ORDER_RANK = 1 << 30
# Rounds of drawing again what a list has twice.
ROUNDS = 12


@dataclass(frozen=True, kw_only=True)
class Displays:
    """Lists of recommendations shown in sessions; one row each.

    Attributes:
        session: Row of the session.
        slot: Index into `placements`.
        rank: Rank of the block on whose page it is shown.
        products: Products by position, [displays x positions].
        clicked: Which were clicked, [displays x positions].
        second: Second of the day when the page was opened.
    """

    session: IntArray
    slot: IntArray
    rank: IntArray
    products: IntArray
    clicked: BoolArray
    second: IntArray


@dataclass(frozen=True, kw_only=True)
class VisitBlocks:
    """Blocks in no order: session, rank within it, kind, product, position of a click, placement."""

    session: IntArray
    rank: IntArray
    kind: IntArray
    product: IntArray
    position: IntArray
    placement: IntArray


def browsing_blocks(
    behaviour: Behaviour, sessions: Sessions, tastes: Tastes, rng: np.random.Generator
) -> VisitBlocks:
    """Return the blocks before an order or of a whole session, each about one product the visitor looks at."""
    words, focus = vocabulary(), parameters("behaviour")["focus"]
    names = words.blocks.names
    session = np.repeat(np.arange(len(sessions.pages)), sessions.pages)
    size = len(session)
    start = np.cumsum(sessions.pages) - sessions.pages
    number = np.arange(size) - np.repeat(start, sessions.pages)
    drawn = rng.integers(0, TABLE_SIZE, size, dtype=np.uint16)
    kind = words.blocks.browse[drawn]
    kind[start] = words.blocks.landing[drawn[start]]
    # Programs read one product after the other.
    kind = np.where((sessions.kind == BOT)[session], names["product"], kind)
    # What is put into the cart before an order and not bought is taken out again.
    ordering = np.flatnonzero((sessions.kind == ORDER)[session])
    left = np.isin(kind[ordering], [names["cart_left"], names["checkout_left"]])
    kind[ordering[left]] = names["cart_emptied"]
    contacted = sessions.kind == CONTACT
    kind[start[contacted]] = names["campaign"]
    placement = np.full(size, NO_PLACEMENT)
    campaigns = len(words.placements) - len(behaviour.campaigns.frame)
    placement[start[contacted]] = campaigns + sessions.campaign[contacted]
    segment = sessions.segment[session]
    anything = tastes.category[segment, rng.integers(0, TABLE_SIZE, size, dtype=np.uint16)]
    which = rng.random(size, dtype=np.float32)
    category = np.where(which < focus["first"] + focus["second"], sessions.second_focus[session], anything)
    category = np.where(which < focus["first"], sessions.first_focus[session], category)
    product = tastes.product[segment, category, rng.integers(0, PRODUCT_TABLE_SIZE, size, dtype=np.uint16)]
    return VisitBlocks(
        session=session,
        rank=number * RANKS_PER_BLOCK,
        kind=kind,
        product=product.astype(np.int64),
        position=_list_positions()[rng.integers(0, TABLE_SIZE, size, dtype=np.uint16)],
        placement=placement,
    )


@cache
def _list_positions() -> IntArray:
    """Return positions of clicks in a list of results by lookup: products are alike, examination decides."""
    return 1 + lookup_table(examination(parameters("behaviour")["position_bias"]["list_positions"]))


def draw_displays(
    behaviour: Behaviour, sessions: Sessions, tastes: Tastes, browsing: VisitBlocks, rng: np.random.Generator
) -> Displays:
    """Return the recommendations shown and clicked by the position-based model: examination x relevance.

    A list has popular products of the categories that the visitor's segment looks at. What programs load is in
    `bot_traffic`.
    """
    slot = vocabulary().blocks.shows[browsing.kind]
    shown = np.flatnonzero(slot != NO_PLACEMENT)
    session = browsing.session[shown]
    segment = sessions.segment[session]
    products = listed_products(tastes, segment, len(behaviour.examination), rng)
    chance = behaviour.examination[None, :] * behaviour.relevance[segment[:, None], products]
    return Displays(
        session=session,
        slot=slot[shown],
        rank=browsing.rank[shown],
        products=products,
        clicked=rng.random(products.shape) < chance,
        second=np.zeros(len(shown), dtype=np.int64),
    )


def listed_products(tastes: Tastes, segment: IntArray, positions: int, rng: np.random.Generator) -> IntArray:
    """Return lists of products for segments; what a list has already is drawn again a few times."""

    def drawn(of_segment: IntArray) -> IntArray:
        category = tastes.category[of_segment, rng.integers(0, TABLE_SIZE, len(of_segment))]
        return tastes.product[
            of_segment, category, rng.integers(0, PRODUCT_TABLE_SIZE, len(of_segment))
        ].astype(np.int64)

    earlier = np.tri(positions, k=-1, dtype=bool)
    products = drawn(np.repeat(segment, positions)).reshape(len(segment), positions)
    some = np.arange(len(segment))
    for _ in range(ROUNDS):
        lists = products[some]
        row, column = np.nonzero(((lists[:, :, None] == lists[:, None, :]) & earlier).any(axis=2))
        products[some[row], column] = drawn(segment[some[row]])
        some = np.unique(some[row])
    return products


def slot_click_blocks(displays: Displays) -> VisitBlocks:
    """Return the blocks of clicks on recommendations, each after the block whose page showed them."""
    row, column = np.nonzero(displays.clicked)
    return VisitBlocks(
        session=displays.session[row],
        rank=displays.rank[row] + 1 + column,
        kind=np.full(len(row), vocabulary().blocks.names["recs_click"]),
        product=displays.products[row, column],
        position=column + 1,
        placement=displays.slot[row],
    )


def order_blocks(behaviour: Behaviour, sessions: Sessions) -> VisitBlocks:
    """Return the blocks that end in orders: each product into the cart, checkout, purchase of each line."""
    names, orders = vocabulary().blocks.names, behaviour.orders
    session = np.flatnonzero(sessions.kind == ORDER)
    order = sessions.order[session]
    lines = orders.first_line[order + 1] - orders.first_line[order]
    number = np.arange(lines.sum()) - np.repeat(np.cumsum(lines) - lines, lines)
    product = orders.product[np.repeat(orders.first_line[order], lines) + number]
    of_line, total = np.repeat(session, lines), np.repeat(lines, lines)
    none = np.zeros(len(session), dtype=np.int64)
    size = 2 * len(product) + len(session)
    return VisitBlocks(
        session=np.concatenate([of_line, session, of_line]),
        rank=ORDER_RANK + np.concatenate([number, lines, total + 1 + number]),
        kind=np.repeat(
            [names["buy"], names["checkout"], names["purchase"]], [len(product), len(session), len(product)]
        ),
        product=np.concatenate([product, none, product]),
        position=np.zeros(size, dtype=np.int64),
        placement=np.full(size, NO_PLACEMENT),
    )


def merged(parts: list[VisitBlocks]) -> VisitBlocks:
    """Return the blocks of all parts by session and rank."""

    def joined(name: str) -> IntArray:
        return np.concatenate([getattr(part, name) for part in parts])

    session, rank = joined("session"), joined("rank")
    order = np.argsort((session << 32) + rank, kind="stable")
    return VisitBlocks(
        session=session[order],
        rank=rank[order],
        **{name: joined(name)[order] for name in ("kind", "product", "position", "placement")},
    )
