"""Preferences of the generated world against the tastes nobody told the platform."""

import polars as pl
import pytest

from xbec_platform.assets.resources import WarehouseResource
from xbec_platform_tests.integration.homes import Shop


def read(shop: Shop, sql: str) -> pl.DataFrame:
    return WarehouseResource.of(shop.settings).file.read_frame(sql, purpose="test")


def test_preferences_follow_the_true_tastes(finished_shop: Shop) -> None:
    """Spearman's rank correlation over the categories of people with 20 events or more.

    The world of default size gives .78 (preference) and .80 (share); 24 days of 150 customers know less.
    """
    from scipy.stats import spearmanr

    found = read(
        finished_shop,
        """SELECT customer_id, split_part(attribute_value, '/', -1) AS category, preference, interest_share
        FROM ml.user_attribute_preference WHERE attribute = 'category' AND customer_id IN (
            SELECT customer_id FROM intermediate.int_events WHERE bot_rule IS NULL AND customer_id IS NOT NULL
            GROUP BY 1 HAVING count(*) >= 20)""",
    )
    people = pl.read_parquet(finished_shop.settings.home / "truth" / "people.parquet")
    tastes = people.unpivot(
        pl.selectors.starts_with("taste_"), index="customer_id", variable_name="category", value_name="taste"
    ).with_columns(pl.col("category").str.strip_prefix("taste_").replace("home", "living"))
    both = found.join(tastes, on=("customer_id", "category"))
    assert both.height == found.height > 300
    for column in ("preference", "interest_share"):
        assert spearmanr(both[column], both["taste"]).statistic >= 0.65, column


def test_programs_are_screened(finished_shop: Shop) -> None:
    """All visits of programs and hardly any other: precision and recall of at least .98."""
    found = read(
        finished_shop, "SELECT DISTINCT session_key FROM intermediate.int_events WHERE bot_rule IS NOT NULL"
    )
    truth = pl.read_parquet(finished_shop.settings.home / "truth" / "bots.parquet")
    bots = truth.drop_nulls("session_id").select(session_key="session_id").unique()
    hits = found.join(bots, on="session_key").height
    assert bots.height > 10
    assert hits >= 0.98 * found.height
    assert hits >= 0.98 * bots.height


def test_a_click_without_an_impression_is_no_click_rate(finished_shop: Shop) -> None:
    """Clicks in lists and searches were never impressions of a slot; what is counted was shown."""
    sums = read(
        finished_shop,
        "SELECT sum(n_impression_clicks) AS ctr, sum(n_clicks) AS clicks, sum(n_impressions) AS shown "
        "FROM intermediate.int_item_signals",
    )
    ctr, clicks, shown = (int(value) for value in sums.row(0))
    assert 0 < ctr < clicks
    assert ctr / shown == pytest.approx(0.065, abs=0.02)


def test_a_shop_younger_than_the_window_has_no_target_groups_yet(finished_shop: Shop) -> None:
    """Groups are those of 28 days ago: after 24 days there are none, and nothing is guessed."""
    for table in ("ml.product_target_groups", "ml.attribute_target_groups"):
        assert read(finished_shop, f"SELECT count(*) FROM {table}").item() == 0
