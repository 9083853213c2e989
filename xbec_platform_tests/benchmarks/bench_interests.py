"""Groups by interest of the generated world against its segments, and how well anybody could know these.

Run `python -m xbec_platform_tests.benchmarks.bench_interests [seed ...]` with OMP_NUM_THREADS at 1; 40 CPU s a world.
The ceiling is Bayes' rule with the world's own parameters: shares of segments, Dirichlet tastes, how a visit keeps to
two categories, weights of products. A person's taste is integrated over by importance sampling.
"""

import json
import sys
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import polars as pl
from scipy.special import gammaln, logsumexp

from xbec_platform.customers.cluster_model import ClusterParams
from xbec_platform.customers.clusters import assign, fit
from xbec_platform.customers.interests import interest_clusters, interest_groups, interests
from xbec_platform.customers.stability import adjusted_rand_index
from xbec_platform.world.arrivals import BOT, CONTACT, NOBODY, parts_of_day
from xbec_platform.world.behaviour import tastes_of_day
from xbec_platform.world.people import segment_tastes
from xbec_platform.world.plan import Plan, build_plan
from xbec_platform.world.sessions import draw_sessions
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.streams import stream
from xbec_platform.world.visit_blocks import browsing_blocks
from xbec_platform.world.vocabulary import vocabulary

Row = dict[str, object]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
SEEDS = (1, 2, 3)
N_SAMPLES = 300
LEAST_EVENTS = 20


@dataclass(frozen=True, kw_only=True)
class Looks:
    """What people who are known looked at and bought.

    Attributes:
        customer, day, product, events: One entry per block of a visit or line of an order.
        visits: One row per visit: pages by category.
        visitor, first_focus: Customer of each visit; the category a campaign has led to, or -1.
        names_product: Entries that name their product, not its category alone.
        is_line: Entries that are lines of orders.
    """

    customer: Ints
    day: Ints
    product: Ints
    events: Ints
    visits: Floats
    visitor: Ints
    first_focus: Ints
    names_product: npt.NDArray[np.bool_]
    is_line: npt.NDArray[np.bool_]


def run(seeds: tuple[int, ...] = SEEDS) -> list[Row]:
    """Rows of name, ours, peer (the ceiling), ratio, unit, goal."""
    rows: list[Row] = []
    for seed in seeds:
        plan = build_plan(WorldSpec(seed=seed))
        looks = observed(plan)
        segment = plan.people.frame["segment"].to_numpy().astype(np.int64)
        everybody, clear = _agreement(plan, looks, segment)
        by_category, by_product = ceiling(plan, looks, segment)
        for name, ours, peer in (
            ("everybody with 20 events", everybody, by_product),
            ("everybody, the ceiling by categories alone", everybody, by_category),
            ("who has a group", clear, by_product),
        ):
            rows.append(
                {
                    "name": f"groups by interest, world {seed}, {name}",
                    "ours": round(ours, 4),
                    "peer": round(peer, 4),
                    "ratio": round(ours / peer, 3),
                    "unit": "ARI to the segments",
                    "goal": ">= .95",
                }
            )
    return rows


def observed(plan: Plan) -> Looks:
    """Draw all visits again and keep those of people who are signed in and consent."""
    behaviour = plan.behaviour
    category, consents = behaviour.category, plan.people.frame["consent_profiling"].to_numpy()
    parts: list[list[npt.NDArray[np.generic]]] = []
    visits: list[list[npt.NDArray[np.generic]]] = []
    has_category, has_product, events = _blocks()
    for day in range(plan.spec.days):
        tastes = tastes_of_day(behaviour, day)
        for part in range(parts_of_day(behaviour, day)):
            sessions = draw_sessions(behaviour, day, part)
            blocks = browsing_blocks(behaviour, sessions, tastes, stream(plan.spec.seed, "visits", day, part))
            known = sessions.columns["customer_id"].is_not_null().to_numpy() & (sessions.kind != BOT)
            known &= (sessions.customer != NOBODY) & consents[sessions.customer]
            kept = np.flatnonzero(known[blocks.session] & has_category[blocks.kind])
            session, product, kind = (
                values[kept] for values in (blocks.session, blocks.product, blocks.kind)
            )
            parts.append(
                [
                    sessions.customer[session],
                    np.full(len(kept), day),
                    product,
                    events[kind],
                    has_product[kind],
                ]
            )
            seen, which = np.unique(session, return_inverse=True)
            pages = np.zeros((len(seen), len(plan.people.categories)))
            np.add.at(pages, (which, category[product]), 1)
            focus = np.where(sessions.kind[seen] == CONTACT, sessions.first_focus[seen], -1)
            visits.append([pages, sessions.customer[seen], focus])
    bought = plan.orders.lines.with_columns(pl.col("order").cast(pl.Int64)).join(
        plan.orders.frame.with_row_index("order").select(
            pl.col("order").cast(pl.Int64), "customer", "order_ts"
        ),
        on="order",
    )
    buyer = bought["customer"].to_numpy()
    bought = bought.filter(pl.Series((buyer >= 0) & consents[buyer]))
    days = ((bought["order_ts"] - plan.spec.epoch) // 86_400).to_numpy()
    ones = np.ones(bought.height, dtype=np.int64)
    parts.append(
        [bought["customer"].to_numpy(), days, bought["product"].to_numpy(), 3 * ones, ones.astype(bool)]
    )
    customer, day_no, product, count, names = (np.concatenate(values) for values in zip(*parts, strict=True))
    pages, visitor, focus = (np.concatenate(values) for values in zip(*visits, strict=True))
    order = np.argsort(visitor, kind="stable")
    return Looks(
        customer=customer.astype(np.int64),
        day=day_no.astype(np.int64),
        product=product.astype(np.int64),
        events=count.astype(np.int64),
        visits=pages[order],
        visitor=visitor[order],
        first_focus=focus[order],
        names_product=names.astype(bool),
        is_line=np.arange(len(customer)) >= len(customer) - bought.height,
    )


def _blocks() -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_], Ints]:
    """Which kinds of block name a category, a product, and by how many events."""
    words = vocabulary()
    steps = [
        words.blocks.steps[first : first + length]
        for first, length in zip(words.blocks.first, words.blocks.length, strict=True)
    ]
    return (
        np.array([words.steps.has_category[own].any() for own in steps]),
        np.array([words.steps.has_product[own].any() for own in steps]),
        np.array([words.steps.has_category[own].sum() for own in steps]),
    )


def _agreement(plan: Plan, looks: Looks, segment: Ints) -> tuple[float, float]:
    """ARI of the platform's groups: of everybody with enough events, and of who has a clear group."""
    categories = np.array(plan.people.categories)
    thirds = np.array([json.loads(one)["price_tier"] for one in plan.catalogue.frame["attributes"].to_list()])
    rows = pl.DataFrame(
        {
            "customer_id": plan.people.frame["customer_id"].gather(pl.Series(looks.customer)),
            "day": looks.day,
            "category": categories[plan.behaviour.category[looks.product]].tolist(),
            "price_third": thirds[looks.product].tolist(),
            "n": looks.events,
        }
    )
    weight = (1_000_000 * pl.col("n") / pl.col("n").sum().over("customer_id", "day").sqrt()).round()
    evidence = (
        rows.group_by("customer_id", "day", "category", "price_third")
        .agg(pl.col("n").sum())
        .with_columns(weight=weight.cast(pl.Int64))
        .group_by("customer_id", "category", "price_third")
        .agg(n_events=pl.col("n").sum(), weight_ppm=pl.col("weight").sum())
    )
    frame = interests(evidence)
    model = fit(frame, replace(interest_clusters(frame, ClusterParams()), compare_methods=False))
    truth = pl.DataFrame({"customer_id": plan.people.frame["customer_id"], "segment": segment})

    def score(groups: pl.DataFrame) -> float:
        both = groups.join(truth, on="customer_id")
        keys = both["cluster_key"].rank("dense").cast(pl.Int64).to_numpy()
        return adjusted_rand_index(both["segment"].to_numpy(), keys)

    return score(assign(model, frame)), score(interest_groups(model, frame))


def ceiling(plan: Plan, looks: Looks, segment: Ints) -> tuple[float, float]:
    """ARI of the likeliest segments: by categories alone, and by categories and products."""
    tastes = segment_tastes(plan.people.categories)
    shares = [one["share"] for one in parameters("people")["segments"].values()]
    events = np.bincount(looks.customer, looks.events, len(segment))
    people = np.flatnonzero(events >= LEAST_EVENTS)
    by_category = _by_category(plan, looks, people, tastes) + np.log(shares)
    products = np.zeros((len(segment), len(tastes)))
    np.add.at(products, looks.customer, _product_given_category(plan, looks).T)
    return (
        adjusted_rand_index(segment[people], by_category.argmax(axis=1)),
        adjusted_rand_index(segment[people], (by_category + products[people]).argmax(axis=1)),
    )


def _product_given_category(plan: Plan, looks: Looks) -> Floats:
    """Logarithm of the chance of what is named, given its category: segments x entries."""
    behaviour = plan.behaviour
    path = behaviour.category_paths[: len(behaviour.category)].cast(pl.String).rank("dense").to_numpy() - 1
    shelf = path.astype(np.int64)
    found = []
    for weight in behaviour.popularity:
        total = np.bincount(behaviour.category, weight)[behaviour.category]
        of_shelf = np.bincount(shelf, weight)[shelf]
        chance = np.where(looks.names_product, weight[looks.product], of_shelf[looks.product])
        found.append(np.log(np.maximum(chance, 1e-12)) - np.log(total[looks.product]))
    return np.array(found)


def _by_category(plan: Plan, looks: Looks, people: Ints, tastes: Floats) -> Floats:
    """Logarithm of the chance of each person's categories in each segment, people x segments."""
    focus, companions = parameters("behaviour")["focus"], parameters("orders")["companion_share"]
    shares = tastes / tastes.sum(axis=1, keepdims=True)
    lines = np.zeros((plan.people.frame.height, tastes.shape[1]))
    bought = looks.product[looks.is_line]
    np.add.at(lines, (looks.customer[looks.is_line], plan.behaviour.category[bought]), 1)
    rng = np.random.default_rng(0)
    found = np.zeros((len(people), len(tastes)))
    for row, person in enumerate(people):
        own = slice(*np.searchsorted(looks.visitor, [person, person + 1]))
        pages, given = looks.visits[own], looks.first_focus[own]
        guess = (pages / np.maximum(pages.sum(axis=1, keepdims=True), 1)).sum(axis=0) + lines[person]
        for number, alpha in enumerate(tastes):
            proposal = alpha + 0.6 * guess
            theta = np.maximum(rng.dirichlet(proposal, N_SAMPLES), 1e-12)
            logs = _visits(pages, given, theta, shares[number], focus["first"], focus["second"])
            logs += np.log((1 - companions) * theta + companions * shares.mean(axis=0)) @ lines[person]
            logs += np.log(theta) @ (alpha - proposal) + _normaliser(alpha) - _normaliser(proposal)
            found[row, number] = logsumexp(logs) - np.log(N_SAMPLES)
    return found


def _visits(pages: Floats, given: Ints, theta: Floats, share: Floats, first: float, second: float) -> Floats:
    """Log likelihood of visits for each taste: both foci are drawn from it, pages from the foci or the segment."""
    if len(pages) == 0:
        return np.zeros(len(theta))
    base = (1 - first - second) * share
    plain = np.log(base)
    one, other, both = (pages * (np.log(base + more) - plain) for more in (first, second, first + second))
    logs = (pages @ plain)[:, None, None] + one[:, :, None] + other[:, None, :]
    same = np.arange(len(share))
    logs[:, same, same] = (pages @ plain)[:, None] + both
    most = logs.max(axis=(1, 2))
    chance = np.exp(logs - most[:, None, None])
    pairs = (theta[:, :, None] * theta[:, None, :]).reshape(len(theta), -1)
    likelihood = pairs @ chance.reshape(len(chance), -1).T
    for visit in np.flatnonzero(given >= 0):
        likelihood[:, visit] = theta @ chance[visit, given[visit]]
    return np.asarray(np.log(likelihood).sum(axis=1) + most.sum(), dtype=np.float64)


def _normaliser(alpha: Floats) -> float:
    return float(gammaln(alpha.sum()) - gammaln(alpha).sum())


def main() -> None:
    """Print the rows."""
    for row in run(tuple(map(int, sys.argv[1:])) or SEEDS):
        print(" | ".join(str(value) for value in row.values()))


if __name__ == "__main__":
    main()
