"""Inputs of the overview page for tests: a realistic shop, an empty one and a hostile one. No assertions."""

from dataclasses import fields, replace
from datetime import date
from decimal import Decimal

import polars as pl

from xbec_platform.publish.overview_input import DownloadLink, OverviewInput
from xbec_platform_tests.unit.publish import sample_tables as tables

AS_OF = date(2011, 12, 9)

# What a page must show as text and never obey; each is a way that has worked against some page.
ATTACKS = (
    "<script>window.hacked=1</script>",
    "</title><script>window.hacked=2</script>",
    '"><img src=x onerror="window.hacked=3">',
    "</svg><script>window.hacked=4</script>",
    "' onmouseover='window.hacked=5",
    "{{ 7 * 7 }}{% raw %}",
    "'; DROP TABLE orders; --",
    "<style>body{display:none}</style>",
    "&lt;b&gt;<b>bold</b>",
    "evil\u202etxt.exe\x00\x1b[31m",
    "]]><!-- </style> javascript:alert(1)",
)


def shop() -> OverviewInput:
    """A gift shop in pounds with a year of trade, a sample network and faults in its files."""
    return OverviewInput(
        shop_name="Harbour & Lane Gifts",
        as_of=AS_OF,
        base_currency="GBP",
        data_end=AS_OF,
        kpi=tables.kpi_days(first=date(2010, 12, 1), last=AS_OF),
        rfm_segments=tables.RFM,
        clusters=tables.CLUSTERS,
        customer=tables.CUSTOMER,
        habits=tables.HABITS,
        discover=tables.DISCOVER,
        replenish=tables.REPLENISH,
        warehouses=tables.WAREHOUSES,
        flows=tables.flows(),
        plan_summary=tables.PLAN_SUMMARY,
        unserved=tables.UNSERVED,
        bottlenecks=tables.BOTTLENECKS,
        intake=tables.INTAKE,
        rejects=tables.REJECTS,
        quarantine_reasons=tables.QUARANTINE_REASONS,
        downloads=_downloads(),
    )


def empty_shop() -> OverviewInput:
    """A shop on its first day: nothing has been read."""
    return OverviewInput(shop_name="New shop", as_of=AS_OF, base_currency="EUR", data_end=None)


def hostile_shop() -> OverviewInput:
    """The shop with an attack in every text it can hold, keys and ids included."""
    clean = shop()
    values = {item.name: getattr(clean, item.name) for item in fields(clean)}
    attacks = {name: _attacked(value) for name, value in values.items() if isinstance(value, pl.DataFrame)}
    # One id on both sides, so that the flows are still drawn.
    attacks["flows"] = attacks["flows"].with_columns(warehouse_id=pl.lit(ATTACKS[3]))
    attacks["warehouses"] = attacks["warehouses"].with_columns(warehouse_id=pl.lit(ATTACKS[3])).head(1)
    everywhere = {attack: attack for attack in ATTACKS}
    return replace(
        clean,
        shop_name=ATTACKS[1],
        base_currency=ATTACKS[0],
        filters=ATTACKS[2],
        customer=dict.fromkeys(clean.customer, ATTACKS[0])
        | dict.fromkeys(("net_base", "aov_base"), Decimal(1)),
        habits=everywhere,
        plan_summary=everywhere,
        definitions=everywhere,
        empty_reasons={"discover": ATTACKS[0]},
        downloads=(DownloadLink(name=ATTACKS[0], rows=1, hrefs={ATTACKS[2]: "../exports/x.csv"}),),
        **attacks,
    )


def _attacked(frame: pl.DataFrame) -> pl.DataFrame:
    texts = [name for name, dtype in frame.schema.items() if dtype == pl.String]
    return frame.with_columns(
        pl.Series(name, [ATTACKS[(row + shift) % len(ATTACKS)] for row in range(frame.height)])
        for shift, name in enumerate(texts)
    )


def _downloads() -> tuple[DownloadLink, ...]:
    base = "../exports/as_of=2011-12-09"
    rows = {"segments": 4_338, "recs_discover": 43_380, "recs_replenish": 41_902, "assignment": 18_490}
    links = (
        DownloadLink(
            name=name, rows=n, hrefs={"CSV": f"{base}/{name}.csv", "Parquet": f"{base}/{name}.parquet"}
        )
        for name, n in rows.items()
    )
    return (*links, DownloadLink(name="manifest", rows=None, hrefs={"JSON": f"{base}/manifest.json"}))
