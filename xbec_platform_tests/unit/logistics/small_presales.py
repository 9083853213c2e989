"""Small pre-sales with their true optimum, found without a solver: every home of every order, every quantity."""

from itertools import product

import numpy as np
import polars as pl

from xbec_platform.logistics.preposition_schema import PrepositionInputs

CENTRES = ("A", "B", "C")


def small_presale(seed: int) -> PrepositionInputs:
    """Up to six orders of one or two pre-sales, two zones, three centres; room and stock often bind."""
    rng = np.random.default_rng(seed)
    n, presales = int(rng.integers(1, 7)), int(rng.integers(1, 3))
    presale = np.sort(rng.integers(0, presales, n))
    deposits = pl.DataFrame(
        {
            "order_id": [f"O{at}" for at in range(n)],
            "presale_id": [f"PS{one}" for one in presale],
            "product_id": [f"P{one}" for one in presale],
            "zone": [("DE", "FR")[one] for one in rng.integers(0, 2, n)],
            "qty": rng.choice([1, 1, 1, 2], n),
            "probability": np.round(rng.uniform(0.2, 0.98, n), 3),
        }
    )
    options = [
        {
            "presale_id": f"PS{one}",
            "zone": zone,
            "warehouse_id": centre,
            "distance_rank": int(rank),
            "origin_node": "CN",
            "route": "L1",
            "transfer_p90_days": 5.0,
            "is_last_call": False,
            "send_cost": send,
            "unused_cost": unused,
            "saving": float(np.round(rng.uniform(-1, 14), 2)),
            "hours_saved": 24.0,
        }
        for one in range(presales)
        for centre, send, unused in zip(
            CENTRES, np.round(rng.uniform(0, 5, 3), 2), np.round(rng.uniform(0, 3, 3), 2), strict=True
        )
        for zone, rank in zip(("DE", "FR"), rng.integers(0, 3, 2), strict=True)
    ]
    rooms = pl.DataFrame({"warehouse_id": CENTRES, "room_units": rng.integers(0, 5, 3)})
    stock = pl.DataFrame(
        {"product_id": [f"P{one}" for one in range(presales)], "units": rng.integers(1, 8, presales)}
    )
    return PrepositionInputs(deposits=deposits, options=pl.DataFrame(options), rooms=rooms, stock=stock)


def best_cost(inputs: PrepositionInputs) -> float:
    """Least expected cost over all homes and quantities within room and stock."""
    room = dict(inputs.rooms.rows())
    tables = []
    for presale in inputs.deposits["presale_id"].unique().sort():
        orders = inputs.deposits.filter(pl.col("presale_id") == presale)
        most = dict(inputs.stock.rows())[orders["product_id"][0]]
        tables.append(_one_presale(orders, inputs.options.filter(pl.col("presale_id") == presale), most))
    size = [table.shape for table in tables]
    best = np.inf
    for used in product(*(product(*(range(n) for n in shape)) for shape in size)):
        if all(sum(one[w] for one in used) <= room[name] for w, name in enumerate(CENTRES)):
            best = min(best, sum(table[one] for table, one in zip(tables, used, strict=True)))
    return float(best)


def _one_presale(orders: pl.DataFrame, options: pl.DataFrame, stock: int) -> np.ndarray:
    """Least cost by pieces sent to each of the centres, over all homes."""
    pieces = int(orders["qty"].sum())
    terms = {(zone, centre): row for zone, centre, *row in options.select(
        "zone", "warehouse_id", "send_cost", "unused_cost", "saving").rows()}  # fmt: skip
    rows = orders.select("zone", "qty", "probability").rows()
    best = np.full((pieces + 1,) * 3, np.inf)
    known: dict[tuple[str, tuple[int, ...]], np.ndarray] = {}
    for homes in product(range(3), repeat=len(rows)):
        costs = []
        for w, centre in enumerate(CENTRES):
            members = tuple(at for at, home in enumerate(homes) if home == w)
            if (centre, members) not in known:
                known[centre, members] = _one_centre([rows[at] for at in members], centre, terms, pieces)
            costs.append(known[centre, members])
        best = np.minimum(best, costs[0][:, None, None] + costs[1][None, :, None] + costs[2][None, None, :])
    total = np.indices(best.shape).sum(axis=0)
    return np.where(total <= stock, best, np.inf)


def _one_centre(rows: list[tuple], centre: str, terms: dict, pieces: int) -> np.ndarray:
    """Cost by pieces sent, over all 2^n outcomes."""
    cost = np.full(pieces + 1, np.inf)
    own = sum(qty for _, qty, _ in rows)
    send, unused = terms[("DE", centre)][:2]
    weight = sum(p * qty for _, qty, p in rows)
    saving = sum(p * qty * terms[zone, centre][2] for zone, qty, p in rows) / weight if rows else 0.0
    for units in range(own + 1):
        expected = send * units
        for paid in product([0, 1], repeat=len(rows)):
            chance = np.prod([p if hit else 1 - p for hit, (_, _, p) in zip(paid, rows, strict=True)])
            used = min(units, sum(qty for hit, (_, qty, _) in zip(paid, rows, strict=True) if hit))
            expected += chance * (unused * (units - used) - saving * used)
        cost[units] = expected
    return cost
