"""User databases the cluster tests share: planted groups, and Online Retail straight from its file."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import polars as pl

from xbec_platform.customers.cluster_model import ClusterParams
from xbec_platform.customers.stability import StabilityParams

# Few resamples and starts: what is tested is seldom how well the search estimates.
QUICK = ClusterParams(
    stability=StabilityParams(k_min=3, k_max=5, n_resamples=8, n_starts=4, n_resample_starts=2),
    compare_methods=False,
)

# Months since the last order, orders and net sales of five typical customers, far apart on the log scale, and
# how many of 300 customers are like each.
SIZES = (24, 66, 60, 72, 78)
PLANTED = ((0.2, 30, 8000.0), (0.3, 6, 900.0), (9.0, 8, 1500.0), (0.5, 1, 60.0), (14.0, 1, 40.0))


def planted_shop(times: int = 1, seed: int = 1, noise: float = 0.12) -> tuple[pl.DataFrame, np.ndarray]:
    """`times` 300 customers scattered around `PLANTED` by `noise` in log space, and the group each was planted in."""
    rng = np.random.default_rng(seed)
    truth = np.repeat(np.arange(len(PLANTED)), np.array(SIZES) * times)
    months, orders, net = (np.array(column)[truth] for column in zip(*PLANTED, strict=True))
    scatter = np.exp(rng.normal(0, noise, (3, len(truth))))
    frame = pl.DataFrame(
        {
            "customer_id": [f"p{i:04d}" for i in range(len(truth))],
            "recency_days": np.round(30 * months * scatter[0]).astype(np.int64),
            "n_orders": np.maximum(1, np.round(orders * scatter[1])).astype(np.int64),
            "net_base": pl.Series([Decimal(f"{v:.4f}") for v in net * scatter[2]], dtype=pl.Decimal(18, 4)),
        }
    )
    return frame, truth


def same_key_share(one: pl.DataFrame, other: pl.DataFrame) -> float:
    """Share of the customers of both assignments who have the same key in both."""
    both = one.join(other, on="customer_id")
    return float((both["cluster_key"] == both["cluster_key_right"]).mean())


class OnlineRetail:
    """Orders and cancellations of known customers, from which the user database of any day is made."""

    def __init__(self, folder: Path) -> None:
        """Read the lines of known customers with a price."""
        lines = pl.read_parquet(folder / "online_retail.parquet")
        self._lines = lines.filter(pl.col("CustomerID").is_not_null(), pl.col("UnitPrice") > 0).select(
            "InvoiceNo",
            customer_id=pl.col("CustomerID").cast(pl.String),
            day=pl.col("InvoiceDate").dt.date(),
            is_cancelled=pl.col("InvoiceNo").str.starts_with("C"),
            quantity=pl.col("Quantity"),
            amount=(pl.col("Quantity") * pl.col("UnitPrice")).cast(pl.Decimal(18, 4)),
        )

    def user_database(self, as_of: date) -> pl.DataFrame:
        """Recency, orders and net sales of everyone who has ordered up to and including a day."""
        known = self._lines.filter(pl.col("day") <= as_of)
        ordered = known.filter(~pl.col("is_cancelled"), pl.col("quantity") > 0)
        return (
            ordered.group_by("customer_id")
            .agg(
                recency_days=(pl.lit(as_of) - pl.col("day").max()).dt.total_days(),
                n_orders=pl.col("InvoiceNo").n_unique().cast(pl.Int64),
                gross_base=pl.col("amount").sum(),
            )
            .join(
                known.filter("is_cancelled").group_by("customer_id").agg(returned=pl.col("amount").sum()),
                on="customer_id",
                how="left",
            )
            .select(
                "customer_id",
                "recency_days",
                "n_orders",
                net_base=pl.col("gross_base") + pl.col("returned").fill_null(0),
            )
            .sort("customer_id")
        )
