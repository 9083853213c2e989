"""How often what is shown is clicked, and how much people differ: a beta prior of click rates for each market."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import polars as pl

PPM = 1_000_000
# Fewer people say too little about how much they differ: their market takes the prior of all.
LEAST_PEOPLE = 50
# A prior may weigh as much as so many impressions; beyond, people do not measurably differ.
LEAST_SHOWN, MOST_SHOWN = 2.0, 1000.0
# Without a click the rate is not 0: half a click in all.
HALF = 0.5


@dataclass(frozen=True, kw_only=True)
class CtrPrior:
    """Beta(clicks, shown - clicks): as if `clicks` of `shown` impressions had been clicked before any evidence."""

    clicks: float
    shown: float


def ctr_priors(evidence: pl.DataFrame) -> Mapping[str, CtrPrior]:
    """Fit a beta-binomial by maximum likelihood to the people of each market, "" to all of them.

    Args:
        evidence: customer_id, market, attribute, impressions_ppm, clicks_ppm; several rows per customer. Counted are
            those of the attribute that most impressions have: each impression once.
    """
    counted = (
        evidence.group_by("attribute")
        .agg(pl.col("impressions_ppm").sum())
        .sort("impressions_ppm", "attribute", descending=[True, False])
    )
    leading = counted["attribute"][0] if counted.height else ""
    people = (
        evidence.filter(pl.col("attribute") == leading)
        .group_by("market", "customer_id")
        .agg(pl.col("impressions_ppm", "clicks_ppm").sum())
        .filter(pl.col("impressions_ppm") > 0)
        .sort("market", "customer_id")
    )
    overall = _fit(people)
    markets = evidence["market"].unique().sort().to_list()
    own = {name: people.filter(pl.col("market") == name) for name in markets if name}
    return {"": overall} | {
        name: _fit(rows) if rows.height >= LEAST_PEOPLE else overall for name, rows in own.items()
    }


def prior_table(priors: Mapping[str, CtrPrior]) -> pl.DataFrame:
    """Return market, prior_clicks, prior_impressions, click_rate; by market."""
    schema = {"market": pl.String, "prior_clicks": pl.Float64, "prior_impressions": pl.Float64}
    rows = [(name, one.clicks, one.shown) for name, one in sorted(priors.items())]
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(
        click_rate=pl.col("prior_clicks") / pl.col("prior_impressions")
    )


def _fit(people: pl.DataFrame) -> CtrPrior:
    """The mean is that of all impressions; how much people differ is found by maximum likelihood."""
    from scipy.optimize import minimize_scalar

    shown = people["impressions_ppm"].to_numpy() / PPM
    clicks = np.minimum(people["clicks_ppm"].to_numpy() / PPM, shown)
    mean = (int(people["clicks_ppm"].sum()) / PPM + HALF) / (
        int(people["impressions_ppm"].sum()) / PPM + 2 * HALF
    )
    if len(shown) < LEAST_PEOPLE:
        return CtrPrior(clicks=mean * MOST_SHOWN, shown=MOST_SHOWN)
    found = minimize_scalar(
        lambda log_size: -_likelihood(shown, clicks, mean, float(np.exp(log_size))),
        bounds=(np.log(LEAST_SHOWN), np.log(MOST_SHOWN)),
        method="bounded",
        options={"xatol": 1e-4},
    )
    # Rounded: the last bits of a search differ between machines.
    size = round(float(np.exp(found.x)), 2)
    return CtrPrior(clicks=mean * size, shown=size)


def _likelihood(
    shown: npt.NDArray[np.float64], clicks: npt.NDArray[np.float64], mean: float, size: float
) -> float:
    """Log-likelihood of the beta-binomial without its constant; decayed numbers need not be whole."""
    from scipy.special import betaln

    a, b = mean * size, (1 - mean) * size
    return float(np.sum(betaln(clicks + a, shown - clicks + b)) - len(shown) * betaln(a, b))
