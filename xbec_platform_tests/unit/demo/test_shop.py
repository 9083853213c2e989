"""The generated shop: repeatable, within its contracts, coherent, and with the structure it promises."""

import gzip
import hashlib
from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from xbec_platform.demo.shop import SOURCES, generate_shop

LAST_DAY = date(2026, 6, 30)


def _bytes(out: Path) -> dict[str, str]:
    files = (path for path in out.rglob("*") if path.is_file())
    return {str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_same_seed_gives_equal_bytes_and_another_seed_does_not(landed, tmp_path):
    """The manifest goes by content hash: a second `make run` must find nothing new."""
    arguments = {"last_day": LAST_DAY, "days": 30, "customers": 200}
    again = generate_shop(out=tmp_path / "again", seed=7, **arguments)
    generate_shop(out=tmp_path / "other", seed=8, **arguments)

    first, second, other = _bytes(landed.out), _bytes(tmp_path / "again"), _bytes(tmp_path / "other")
    assert first == second
    assert landed.summary.faults == again.faults
    assert landed.summary.segments.equals(again.segments)
    for source in ("orders", "order_lines", "products", "inventory_snapshots", "fx_rates"):
        path = f"{source}/dt={LAST_DAY}/{source}.{SOURCES[source][0]}"
        assert first[path] != other[path], source


def test_summary_counts_files_and_bytes_and_leaves_no_unfinished_file(landed):
    """Files are written beside their place; a leftover with a leading dot would be a half file."""
    files = [path for path in landed.out.rglob("*") if path.is_file()]
    assert len(files) == landed.summary.files
    assert sum(path.stat().st_size for path in files) == landed.summary.bytes
    assert not [path for path in files if path.name.startswith(".")]
    assert {path.parent.parent.name for path in files} == set(SOURCES)


def test_orders_only_move_forward(landed):
    """An order change feed whose later version is an earlier status would give wrong current states."""
    rank = {"placed": 0, "paid": 1, "cancelled": 1, "shipped": 2, "delivered": 3}
    versions = landed.clean("orders").sort("order_id", "updated_ts")
    steps = versions.with_columns(rank=pl.col("status").replace_strict(rank, return_dtype=pl.Int64))
    first = steps.group_by("order_id", maintain_order=True).first()
    assert first["status"].unique().to_list() == ["placed"]
    assert (steps["rank"].diff().filter(steps["order_id"] == steps["order_id"].shift()) > 0).all()
    assert {"shipped", "delivered", "cancelled"} <= set(versions["status"])


def test_a_row_is_delivered_on_the_day_it_happened(landed):
    """A row from the future of its drop day would leak into as-of values; only the late files lag."""
    for source, column in (("orders", "updated_ts"), ("returns", "opened_ts"), ("customers", "updated_ts")):
        late = {fault.file for fault in landed.summary.faults if fault.expect == "late"}
        for file in set(landed.files(source)) - late:
            day = file.split("dt=")[1][:10]
            frame = landed.rows_of(file)
            assert {row[column][:10] for row in frame} == {day}, file


def test_totals_equal_the_lines(landed):
    """Conservation of money holds in the truth, or no reconciliation test downstream could be exact."""
    wrong = landed.summary.correction
    lines = landed.clean("order_lines").filter(pl.col("order_id") != wrong.order_id)
    lines = lines.filter(
        ~((pl.col("order_id") == wrong.surplus_key[0]) & (pl.col("line_no") == str(wrong.surplus_key[1])))
    )
    money = pl.Decimal(18, 4)
    sums = lines.group_by("order_id").agg(
        goods=(pl.col("qty").cast(money) * pl.col("unit_price").cast(money) - pl.col("discount").cast(money))
        .cast(money)
        .sum()
    )
    headers = landed.clean("orders").unique("order_id").with_columns(pl.col("goods_total").cast(money))
    joined = headers.filter(pl.col("order_id") != wrong.order_id).join(sums, on="order_id", how="left")
    assert joined.filter(pl.col("goods_total").ne_missing(pl.col("goods"))).is_empty()
    assert joined.height > 300


def test_lines_refer_to_known_products_and_customers(landed):
    """Coherence: what is sold is in the catalogue on that day, and who buys has registered before."""
    orders = landed.clean("orders").unique("order_id")
    lines = landed.clean("order_lines").join(orders.select("order_id", "order_ts"), on="order_id")
    products = landed.clean("products").group_by("product_id").agg(pl.col("valid_from").min())
    sold = lines.join(products, on="product_id", how="left")
    assert (sold["valid_from"] <= sold["order_ts"]).all()
    assert sold["valid_from"].null_count() == 0

    known = landed.clean("customers").group_by("customer_id").agg(seen=pl.col("updated_ts").min())
    buyers = orders.filter(pl.col("customer_id").is_not_null()).join(known, on="customer_id", how="left")
    assert (buyers["seen"] <= buyers["order_ts"]).all()
    assert buyers["seen"].null_count() == 0
    assert orders["customer_id"].null_count() > 50


def test_returns_name_a_delivered_line_or_none(landed):
    """Returns must be matchable: with an order they fit its line, and some come without."""
    returns = landed.clean("returns")
    named = returns.filter(pl.col("order_id").is_not_null())
    assert 0 < named.height < returns.height
    lines = landed.clean("order_lines").select("order_id", "line_no", "product_id", sold="qty")
    joined = named.join(lines, on=["order_id", "line_no", "product_id"], how="left")
    assert (joined["qty"].cast(pl.Int64) <= joined["sold"].cast(pl.Int64)).all()
    delivered = landed.clean("orders").filter(pl.col("status") == "delivered")
    when = named.join(delivered.select("order_id", "updated_ts"), on="order_id", how="left")
    assert (when["opened_ts"].str.slice(0, 10) > when["updated_ts"].str.slice(0, 10)).all()


def test_stock_moves_only_by_receipts_and_shipments(landed):
    """A snapshot that did not follow from sales would make no-stock reasons meaningless."""
    stock = landed.clean("inventory_snapshots").with_columns(
        pl.col("on_hand", "reserved", "inbound").cast(pl.Int64), day=pl.col("snapshot_date")
    )
    assert (stock["reserved"] <= stock["on_hand"]).all()
    by_day = stock.group_by("day").agg(pl.col("on_hand").sum()).sort("day")
    received = (
        stock.filter(pl.col("inbound") > 0)
        .group_by("inbound_eta_date", "warehouse_id")
        .agg(
            # The same order is announced on every day until it arrives.
            pl.col("inbound").filter(pl.col("day") == pl.col("day").max()).sum()
        )
    )
    came = received.group_by(day="inbound_eta_date").agg(came=pl.col("inbound").sum())
    shipped = landed.clean("orders").filter(pl.col("status") == "shipped")
    wrong = landed.summary.correction
    lines = landed.clean("order_lines").with_columns(pl.col("qty").cast(pl.Int64))
    is_wrong = (pl.col("order_id") == wrong.order_id) & (pl.col("line_no") == str(wrong.line_no))
    is_surplus = (pl.col("order_id") == wrong.surplus_key[0]) & (
        pl.col("line_no") == str(wrong.surplus_key[1])
    )
    lines = lines.filter(~is_surplus).with_columns(
        pl.when(is_wrong).then(wrong.right_qty).otherwise("qty").alias("qty")
    )
    went = (
        lines.join(shipped.select("order_id", "updated_ts"), on="order_id")
        .group_by(day=pl.col("updated_ts").str.slice(0, 10))
        .agg(went=pl.col("qty").sum())
    )
    moves = by_day.join(came, on="day", how="left").join(went, on="day", how="left").fill_null(0).sort("day")
    change = moves["on_hand"].diff()[1:]
    assert change.to_list() == (moves["came"] - moves["went"])[1:].to_list()


def test_last_day_is_too_much_for_the_centres(tmp_path):
    """The plan of the default demo must have something to decide: capacity binds and goods are missing."""
    generate_shop(out=tmp_path, seed=7, last_day=LAST_DAY)
    (centres,) = tmp_path.glob("warehouses/*/warehouses.csv")
    capacity = pl.read_csv(centres)["capacity_orders_day"].sum()
    today = f"dt={LAST_DAY}"
    lines = gzip.decompress((tmp_path / "order_lines" / today / "order_lines.csv.gz").read_bytes())
    wanted = pl.read_csv(lines).group_by("product_id").agg(pl.col("qty").sum())
    stock = pl.read_parquet(tmp_path / "inventory_snapshots" / today / "inventory_snapshots.parquet")
    free = stock.group_by("product_id").agg(free=(pl.col("on_hand") - pl.col("reserved")).sum())
    missing = wanted.join(free, on="product_id").select((pl.col("qty") - pl.col("free")).clip(0).sum()).item()
    assert wanted["qty"].sum() > capacity
    assert 0 < missing < 0.2 * wanted["qty"].sum()


def test_segments_buy_as_they_are_meant_to(landed):
    """Cluster tests compare with these labels, so the labels must show in what people do."""
    orders = landed.clean("orders").unique("order_id")
    counts = (
        landed.summary.segments.join(orders, on="customer_id", how="left")
        .group_by("customer_id", "segment")
        .agg(pl.col("order_id").count(), last=pl.col("order_ts").max())
    )
    mean = dict(counts.group_by("segment").agg(pl.col("order_id").mean()).iter_rows())
    assert mean["champion"] > 1.5 * mean["regular"] > 1.5 * mean["gift_buyer"]
    assert counts.filter(pl.col("segment") == "gift_buyer")["order_id"].max() == 1
    silent_since = (LAST_DAY - timedelta(days=15)).isoformat()
    assert counts.filter(pl.col("segment") == "lapsed")["last"].max() < silent_since


def test_companions_are_bought_together(landed):
    """Affinity tests look for these pairs: they must occur far more often than independence allows."""
    baskets = landed.clean("order_lines").select("order_id", "product_id").unique()
    n_orders = baskets["order_id"].n_unique()
    support = dict(baskets.group_by("product_id").len().iter_rows())
    pairs = baskets.join(baskets, on="order_id", suffix="_2").group_by("product_id", "product_id_2").len()
    planted = landed.summary.companions.join(
        pairs, left_on=["product_id", "companion_id"], right_on=["product_id", "product_id_2"], how="left"
    ).with_columns(pl.col("len").fill_null(0))
    observed = planted["len"].sum()
    expected = sum(support.get(a, 0) * support.get(b, 0) / n_orders for a, b, _ in planted.iter_rows())
    assert observed > 5 * expected


@pytest.mark.parametrize(
    ("days", "customers", "seed", "message"),
    [
        (19, 200, 1, "20 days"),  # too short to place the faults
        (30, 99, 1, "100 customers"),  # too few for every segment
        (30, 200, -1, "seed must not be negative"),
    ],
)
def test_impossible_shops_are_refused(tmp_path, days, customers, seed, message):
    """A message instead of an index error deep inside."""
    with pytest.raises(ValueError, match=message):
        generate_shop(out=tmp_path, seed=seed, last_day=LAST_DAY, days=days, customers=customers)
    assert not list(tmp_path.iterdir())
