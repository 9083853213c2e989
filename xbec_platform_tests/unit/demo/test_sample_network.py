"""The sample network: every country reachable, stock that knows only the past, repeatable files."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from xbec_platform.demo.network import sample_centres
from xbec_platform.demo.sample_network import write_sample_network
from xbec_platform.demo.sample_stock import Demand, StockPolicy, review_dates, simulate_snapshots

FIRST, LAST = date(2011, 1, 3), date(2011, 2, 16)
COUNTRIES = ["GB", "GB", "GB", "DE", "FR", "AU", "US", "NA", None]


def _sales(seed=1, first=FIRST, last=LAST):
    rng = np.random.default_rng(seed)
    size = 4000
    # Day 0 is never empty: the network opens on it.
    day = np.concatenate([[0] * 40, rng.integers(0, (last - first).days + 1, size - 40)])
    return pl.DataFrame(
        {
            "order_date": [first + timedelta(days=int(n)) for n in day],
            "product_id": [f"S{n}" for n in rng.integers(0, 60, size)],
            "ship_country": [COUNTRIES[n] for n in rng.integers(0, len(COUNTRIES), size)],
            "qty": rng.integers(1, 12, size),
        }
    )


def _write(out, sales, seed=7, last=LAST):
    return write_sample_network(
        out=out, sales=sales, first_day=FIRST, last_day=last, currency="GBP", seed=seed
    )


def _files(out):
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*.*"))}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """A network for 4,000 sales of six weeks."""
    out = tmp_path_factory.mktemp("network")
    return out, _write(out, _sales())


def test_files_keep_the_contracts(network, read_landing, broken_rows_of, contract_of):
    """The sample goes through the same intake as real files; a rejected row would be a hole in the plan."""
    out, summary = network
    counted = {}
    for path in sorted(out.rglob("*.*")):
        source = path.relative_to(out).parts[0]
        rows = read_landing(path)
        counted[source] = counted.get(source, 0) + len(rows)
        assert broken_rows_of(source, rows) == [], path
        promised = list(contract_of(source)["columns"])
        for names in {tuple(row) for row in rows}:
            assert list(names) == [name for name in promised if name in names]
        assert all(row.get("is_sample", "true") == "true" for row in rows)
    assert counted == summary.rows
    assert set(counted) == {"warehouses", "lanes", "calendar", "inventory_snapshots"}


def test_keys_are_unique(network, read_landing, contract_of):
    """Two versions of a centre differ in valid_from; nothing else may repeat."""
    out, _ = network
    for source in ("warehouses", "lanes", "calendar", "inventory_snapshots"):
        key = contract_of(source)["key"]
        rows = [row for path in out.glob(f"{source}/*/*") for row in read_landing(path)]
        assert len({tuple(row[name] for name in key) for row in rows}) == len(rows), source


def test_every_country_in_sales_has_a_lane_from_every_centre(network):
    """A missing lane must never be the fault of the sample: express serves every pair, Namibia (NA) too."""
    out, _ = network
    (path,) = out.glob("lanes/*/lanes.csv")
    lanes = pl.read_csv(path, infer_schema=False, null_values=[])
    expected = {(w, c) for w in sample_centres()["warehouse_id"] for c in COUNTRIES if c}
    assert set(lanes.select("origin_node", "dest_node").unique().iter_rows()) == expected
    assert (lanes["transit_p90_days"].cast(float) >= lanes["transit_p50_days"].cast(float)).all()


def test_main_centre_is_the_one_nearest_to_the_opening_demand(network):
    """A British shop keeps its long tail in Britain."""
    out, summary = network
    assert summary.main_warehouse_id == "GB-EMA"
    last = pl.read_parquet(out / f"inventory_snapshots/dt={LAST}/inventory_snapshots.parquet")
    held = dict(last.group_by("warehouse_id").agg(pl.col("product_id").n_unique()).iter_rows())
    assert held["GB-EMA"] == 60
    assert len(held) > 3
    assert max(held.values()) == held["GB-EMA"]


def test_capacity_is_sized_twice_from_what_was_known(network):
    """Version 1 from the opening day, version 2 from 28 days; 1.25 x mean pieces of a trading day, 200 at least."""
    out, _ = network
    second = pl.read_csv(out / f"warehouses/dt={FIRST + timedelta(days=28)}/warehouses.csv")
    assert (out / f"warehouses/dt={FIRST}/warehouses.csv").is_file()
    british = _sales().filter(
        pl.col("order_date") < FIRST + timedelta(days=28),
        pl.col("ship_country").eq_missing("GB") | pl.col("ship_country").is_null(),
    )
    expected = -(-int(british["qty"].sum() * 125) // (28 * 100))
    capacity = dict(second.select("warehouse_id", "capacity_orders_day").iter_rows())
    assert capacity["GB-EMA"] == expected > 200
    assert capacity["HK-HKG"] == 200


def test_snapshots_are_weekly_and_some_goods_run_out(network):
    """First day, Sundays, last day; a network without stock-outs would have nothing to explain."""
    out, _ = network
    days = [
        date(2011, 1, 3),
        *(date(2011, 1, 9) + timedelta(days=7 * n) for n in range(6)),
        date(2011, 2, 16),
    ]
    assert review_dates(FIRST, LAST) == days
    assert sorted(path.name for path in (out / "inventory_snapshots").iterdir()) == [f"dt={d}" for d in days]
    stock = pl.concat(pl.read_parquet(path) for path in out.glob("inventory_snapshots/*/*.parquet"))
    share_out = (stock["on_hand"] == 0).mean()
    assert 0 < share_out < 0.5


def test_same_input_gives_equal_bytes_in_any_row_order(network, tmp_path):
    """The manifest goes by content hash, and a query promises no row order."""
    out, _ = network
    _write(tmp_path / "again", _sales().sample(fraction=1.0, shuffle=True, seed=3))
    _write(tmp_path / "other", _sales(), seed=8)
    assert _files(out) == _files(tmp_path / "again")
    other = _files(tmp_path / "other")
    assert {name for name, content in _files(out).items() if content != other[name]} == {
        name for name in other if name.startswith("inventory")
    }


@settings(max_examples=8, deadline=None)
@given(
    cut=st.integers(min_value=1, max_value=(LAST - FIRST).days),
    later=st.lists(
        st.tuples(
            st.integers(min_value=0, max_value=60),
            st.sampled_from(["S1", "S59", "A-NEW", "Z-NEW"]),
            st.sampled_from(COUNTRIES),
            st.integers(min_value=1, max_value=100_000),
        ),
        min_size=1,
        max_size=20,
    ),
)
def test_no_snapshot_knows_later_sales(tmp_path_factory, cut, later):
    """As-of correctness: sales from day D on leave every stock and capacity up to D as it was."""
    day = FIRST + timedelta(days=cut)
    known = _sales().filter(pl.col("order_date") < day)
    added = pl.DataFrame(
        [(day + timedelta(days=n), product, country, qty) for n, product, country, qty in later],
        schema=known.schema,
        orient="row",
    )
    short, long = tmp_path_factory.mktemp("short"), tmp_path_factory.mktemp("long")
    _write(short, known)
    _write(long, pl.concat([known, added]))
    before, after = _files(short), _files(long)
    dated = {name for name in before if name.split("dt=")[1][:10] <= day.isoformat()}
    frozen = {name for name in dated if name.startswith(("inventory", "warehouses"))}
    assert len(frozen) >= 2
    assert all(before[name] == after[name] for name in frozen)


def test_stock_by_hand():
    """Two centres, one product, no misjudgement: opening, depletion, order and arrival worked out on paper.

    Day 0: 2 pieces in centre 0 (main), 1 in centre 1. Main target: 3 a day x 4 days = 12; centre 1: 1 x 3 = 3.
    Days 1 to 5: nothing. Day 6 is a Sunday: mean of days 0-5 is 3/6, so the targets fall to 2 (0.5 x 4) and
    ceil(1/6 x 3) = 1; on hand 12 - 2 and 3 - 1: nothing is ordered. On day 6 centre 1 sells 5: it has 2, the
    main centre gives 3. Day 13, Sunday: window of 7 days (6 to 12), mean 5/7; on hand 10 - 3 = 7 and 0; targets
    ceil(5/7 x 4) = 3 and ceil(5/7 x 3) = 3, so centre 1 orders 3, which are there on day 14, the last.
    """
    demand = Demand(
        warehouse_ids=("MAIN", "SIDE"),
        product_ids=("P",),
        day=np.array([0, 0, 6]),
        centre=np.array([0, 1, 1]),
        product=np.array([0, 0, 0]),
        pieces=np.array([2.0, 1.0, 5.0]),
    )
    policy = StockPolicy(
        window_days=7,
        main_cover_days=4,
        regional_cover_days=3,
        regional_min_pieces_per_week=1,
        lead_days=7,
        judgement=(1.0, 1.0),
    )
    monday = date(2011, 1, 3)
    snapshots = simulate_snapshots(
        demand=demand,
        main=0,
        first_day=monday,
        last_day=monday + timedelta(days=14),
        policy=policy,
        seed=1,
    )
    seen = {
        (day - monday).days: [(row["on_hand"], row["inbound"]) for row in frame.iter_rows(named=True)]
        for day, frame in snapshots
    }
    assert seen == {
        0: [(12, 0), (3, 0)],
        6: [(10, 0), (2, 0)],
        13: [(7, 0), (0, 3)],
        14: [(7, 0), (3, 0)],
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"qty": pl.lit(-1)}, "qty > 0"),  # a cancellation
        ({"ship_country": pl.lit("UK")}, "no point for UK"),  # not the ISO code
        ({"product_id": pl.lit(None, dtype=pl.String)}, "in every row"),
        ({"order_date": pl.col("order_date") + pl.duration(days=1)}, "no sales on 2011-01-03"),
    ],
)
def test_unusable_sales_are_refused(tmp_path, change, message):
    """The caller learns what to change instead of finding an empty network."""
    with pytest.raises(ValueError, match=message):
        _write(tmp_path, _sales().with_columns(**change))


def test_other_refusals(tmp_path):
    """A missing column, an unknown currency and an inverted period."""
    with pytest.raises(ValueError, match="ship_country missing"):
        _write(tmp_path, _sales().drop("ship_country"))
    with pytest.raises(ValueError, match="lies before"):
        _write(tmp_path, _sales(), last=FIRST - timedelta(days=1))
    with pytest.raises(ValueError, match="no rate for PLN"):
        write_sample_network(
            out=tmp_path, sales=_sales(), first_day=FIRST, last_day=LAST, currency="PLN", seed=1
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"window_days": 0},
        {"lead_days": 0},
        {"main_cover_days": -1.0},
        {"judgement": (0.0, 1.0)},  # a factor of zero would never stock the product
        {"judgement": (1.2, 1.0)},
    ],
)
def test_impossible_policies_are_refused(wrong):
    """Parameters are checked where they are made."""
    usable = {
        "window_days": 28,
        "main_cover_days": 30.0,
        "regional_cover_days": 14.0,
        "regional_min_pieces_per_week": 3.0,
        "lead_days": 7,
        "judgement": (0.6, 1.5),
    }
    with pytest.raises(ValueError, match=r"."):
        StockPolicy(**{**usable, **wrong})
