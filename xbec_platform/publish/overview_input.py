"""What the overview page is made from: frames and scalars, checked. No rendering, no database."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from types import MappingProxyType

import polars as pl

from xbec_platform.publish.glossary import GLOSSARY

# Groups of fewer people could point at single ones.
MIN_GROUP = 30

COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "kpi": (
            "kpi_date",
            "n_orders",
            "n_customers",
            "n_new_customers",
            "n_anonymous_orders",
            "gross_base",
            "returns_base",
            "net_base",
        ),
        "rfm_segments": ("segment", "n_customers", "net_base"),
        "clusters": ("cluster_key", "name", "evidence", "n_customers", "share", "revenue_share"),
        "discover": ("rank", "product_id", "title", "generator", "reason_product_id", "reason_title"),
        "replenish": ("rank", "product_id", "title", "n_orders", "last_order_date", "generator"),
        "warehouses": (
            "warehouse_id",
            "name",
            "country",
            "lat",
            "lon",
            "capacity_orders_day",
            "used_units",
            "is_sample",
        ),
        "flows": ("warehouse_id", "dest_country", "dest_lat", "dest_lon", "units"),
        "unserved": ("reason", "units", "lines"),
        "bottlenecks": ("kind", "warehouse_id", "product_id", "limit", "used", "shadow_price_base"),
        "intake": ("feed", "files", "rows_in", "loaded", "quarantined", "exact_duplicates", "rejected_files"),
        "rejects": ("feed", "path", "reason"),
        "quarantine_reasons": ("feed", "reason", "rows"),
    }
)

# The only facts about one person that may leave the platform on a page: an allow-list, so that a column
# added to the user database later (a name, a mail address) never appears by itself.
CUSTOMER_FACTS: Mapping[str, str] = MappingProxyType(
    {
        "customer_id": "Customer",
        "country": "Country",
        "cluster_name": "Group",
        "segment": "RFM segment",
        "first_order_date": "First order",
        "last_order_date": "Last order",
        "recency_days": "Days since last order",
        "tenure_days": "Days since first order",
        "n_orders": "Orders",
        "n_items": "Items",
        "n_products": "Different products",
        "gross_base": "Gross sales",
        "returns_base": "Returns",
        "net_base": "Net sales",
        "aov_base": "Average order",
    }
)

EMPTY_REASONS: Mapping[str, str] = MappingProxyType(
    {
        "kpi": "No day with orders has been loaded yet.",
        "rfm_segments": "No customer has been graded yet: there are no orders with a customer id.",
        "clusters": "No groups were formed: clustering has not run, or there are too few customers for "
        "groups that stay the same when the data is resampled.",
        "customer": "No example customer: no customer has recommendations yet.",
        "habits": "No habits are known for this customer.",
        "discover": "Nothing to suggest: no product this customer has not bought is eligible.",
        "replenish": "Nothing to replenish: this customer has no repeatable purchase.",
        "warehouses": "No warehouse has been loaded, so there is nothing to put on the map.",
        "flows": "The plan sends nothing: there are no units to assign on this day.",
        "plan_summary": "No plan was made: there are no open orders or no warehouses on this day.",
        "unserved": "Every ordered unit is served.",
        "bottlenecks": "No limit is used up: one more unit of capacity or stock would save nothing.",
        "intake": "No file has been read yet.",
        "rejects": "No file was rejected.",
        "quarantine_reasons": "No row was quarantined.",
        "downloads": "No export has been written for this day.",
    }
)

# A relative path and nothing else: no scheme ("javascript:"), no host ("//"), no query.
_RELATIVE_HREF = re.compile(r"(\.\./|[A-Za-z0-9_=.-]+/)*[A-Za-z0-9_=.-]+")


@dataclass(frozen=True, kw_only=True)
class DownloadLink:
    """One export beside the page.

    Attributes:
        name: name of the exported table.
        rows: its number of rows; None for a file that is not a table.
        hrefs: format ("CSV", "Parquet") to relative link, e.g. `../exports/as_of=2011-12-09/segments.csv`.
    """

    name: str
    rows: int | None
    hrefs: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse links that leave the folder of the home."""
        for href in self.hrefs.values():
            if not _RELATIVE_HREF.fullmatch(href):
                raise ValueError(
                    f"download link {href!r} must be a plain relative path, e.g. ../exports/x.csv"
                )


@dataclass(frozen=True, kw_only=True)
class OverviewInput:
    """All the overview page shows. Frames may be empty (also without columns): the page then says why.

    Attributes:
        shop_name: name of the shop, any text.
        as_of: the day the page knows about, and nothing after it.
        base_currency: ISO 4217 code of every `_base` amount.
        data_end: last day with data; None when there is none.
        filters: what was left out, in words.
        kpi: `mart_daily_kpi`, the days to show.
        rfm_segments: segment, n_customers, net_base.
        clusters: cluster_key, name, evidence, n_customers, share (of customers, 0-1), revenue_share (0-1).
        customer: facts about one customer, keys of `CUSTOMER_FACTS`; empty for none.
        habits: label to value, in words fit for a page.
        discover: rank, product_id, title, generator, reason_product_id, reason_title.
        replenish: rank, product_id, title, n_orders, last_order_date, generator.
        warehouses: warehouse_id, name, country, lat, lon, capacity_orders_day, used_units, is_sample.
        flows: warehouse_id, dest_country, dest_lat, dest_lon, units.
        plan_summary: label to value; `Decimal` is shown as money, other numbers as counts.
        unserved: reason, units, lines.
        bottlenecks: kind, warehouse_id, product_id, limit, used, shadow_price_base.
        intake: feed, files, rows_in, loaded, quarantined, exact_duplicates, rejected_files.
        rejects: feed, path, reason.
        quarantine_reasons: feed, reason, rows.
        downloads: links to the exports.
        empty_reasons: name of a field to why it is empty, instead of the general sentence.
        definitions: term to meaning.
    """

    shop_name: str
    as_of: date
    base_currency: str
    data_end: date | None
    filters: str = "none: all markets, channels and customers"
    kpi: pl.DataFrame = field(default_factory=pl.DataFrame)
    rfm_segments: pl.DataFrame = field(default_factory=pl.DataFrame)
    clusters: pl.DataFrame = field(default_factory=pl.DataFrame)
    customer: Mapping[str, object] = field(default_factory=dict)
    habits: Mapping[str, object] = field(default_factory=dict)
    discover: pl.DataFrame = field(default_factory=pl.DataFrame)
    replenish: pl.DataFrame = field(default_factory=pl.DataFrame)
    warehouses: pl.DataFrame = field(default_factory=pl.DataFrame)
    flows: pl.DataFrame = field(default_factory=pl.DataFrame)
    plan_summary: Mapping[str, object] = field(default_factory=dict)
    unserved: pl.DataFrame = field(default_factory=pl.DataFrame)
    bottlenecks: pl.DataFrame = field(default_factory=pl.DataFrame)
    intake: pl.DataFrame = field(default_factory=pl.DataFrame)
    rejects: pl.DataFrame = field(default_factory=pl.DataFrame)
    quarantine_reasons: pl.DataFrame = field(default_factory=pl.DataFrame)
    downloads: tuple[DownloadLink, ...] = ()
    empty_reasons: Mapping[str, str] = field(default_factory=dict)
    definitions: Mapping[str, str] = field(default_factory=lambda: GLOSSARY)

    def __post_init__(self) -> None:
        """Check columns, keys and days.

        Raises:
            ValueError: a frame lacks columns, a fact about the customer is not allowed on a page, a day lies
                after `as_of`, or `empty_reasons` names an unknown field.
        """
        for name, columns in COLUMNS.items():
            frame: pl.DataFrame = getattr(self, name)
            missing = [column for column in columns if column not in frame.columns]
            if missing and (frame.width or frame.height):
                raise ValueError(
                    f"{name} lacks the columns {', '.join(missing)}: pass them or an empty frame"
                )
        if unknown := sorted(set(self.customer) - set(CUSTOMER_FACTS)):
            raise ValueError(
                f"customer has {', '.join(unknown)}: pages show only {', '.join(CUSTOMER_FACTS)} of a person"
            )
        if unknown := sorted(set(self.empty_reasons) - set(EMPTY_REASONS)):
            raise ValueError(
                f"empty_reasons has {', '.join(unknown)}: use names out of {', '.join(EMPTY_REASONS)}"
            )
        self._check_days()

    def _check_days(self) -> None:
        days = [self.data_end, *(self.kpi["kpi_date"].drop_nulls().to_list() if self.kpi.height else [])]
        late = max((day for day in days if day is not None and day > self.as_of), default=None)
        if late is not None:
            raise ValueError(f"{late} lies after as_of {self.as_of}: leave out what was not known that day")

    def why_empty(self, name: str) -> str:
        """Return the sentence that says why a part of the page is empty."""
        return self.empty_reasons.get(name, EMPTY_REASONS[name])
