"""Days goods lie in customs by country, from parcels that came through and those still there. No routes here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import polars as pl

from xbec_platform.logistics.shrinkage import shrunk_curves

CUSTOMS_SCHEMA = pl.Schema(
    {
        "country": pl.String(),
        "n_cleared": pl.Int64(),
        "n_waiting": pl.Int64(),
        "p50_days": pl.Float64(),
        "p90_days": pl.Float64(),
    }
)
"""Grain: country, and one row with country null for all together."""


@dataclass(frozen=True, kw_only=True)
class CustomsParams:
    """Settings.

    Attributes:
        prior: Parcels at which a country's own times count half against those of all countries.
        usual_days: P50 and P90 where no parcel has been seen in customs: the seed process_stages expects 6 hours until
            the declaration and 18 until the release; the P90 is an assumption.
        resolution_days: Times are rounded to this.
    """

    prior: float = 20.0
    usual_days: tuple[float, float] = (1.0, 3.0)
    resolution_days: float = 0.05


def customs_dwell(
    crossings: pl.DataFrame, *, as_of: datetime, params: CustomsParams | None = None
) -> pl.DataFrame:
    """P50 and P90 of every country that parcels came to.

    Args:
        crossings: country, arrived_ts, cleared_ts (null: still there), of parcels that customs have seen.
        as_of: The moment.
        params: Settings.

    Returns:
        CUSTOMS_SCHEMA, sorted by country, all together first. Clocks that say cleared before arrived are left out.
    """
    params = params or CustomsParams()
    usual = dict(zip(("p50_days", "p90_days"), params.usual_days, strict=True))
    step = params.resolution_days
    until = pl.min_horizontal(pl.coalesce("cleared_ts", pl.lit(as_of)), pl.lit(as_of))
    seen = (
        crossings.drop_nulls("country")
        .with_columns(
            days=((until - pl.col("arrived_ts")).dt.total_seconds() / 86_400 / step).round() * step,
            is_cleared=(pl.col("cleared_ts") < as_of).fill_null(False),
        )
        .filter(pl.col("days") >= 0)
    )
    countries = sorted(set(seen["country"]))
    if not seen["is_cleared"].any():
        row = {"country": None, "n_cleared": 0, "n_waiting": seen.height, **usual}
        return pl.DataFrame([row], schema=CUSTOMS_SCHEMA)
    code = {country: number for number, country in enumerate(countries)}
    group = seen["country"].replace_strict(code, return_dtype=pl.Int64).to_numpy()
    found = []
    for names, level in ((countries, group), ([None], np.zeros_like(group))):
        curves = shrunk_curves(
            seen["days"].to_numpy(),
            seen["is_cleared"].to_numpy(),
            levels=[level],
            parents=[],
            priors=[params.prior],
        )
        for number, name in enumerate(names):
            here = seen.filter(pl.Series(level == number))
            p50, p90 = (max(float(curves.quantiles(q)[number]), step) for q in (0.5, 0.9))
            cleared = int(here["is_cleared"].sum())
            waiting = here.height - cleared
            found.append(
                {
                    "country": name,
                    "n_cleared": cleared,
                    "n_waiting": waiting,
                    "p50_days": p50,
                    "p90_days": p90,
                }
            )
    table = pl.DataFrame(found, schema=CUSTOMS_SCHEMA)
    return table.with_columns(pl.col("p50_days", "p90_days").round(6)).sort("country")
