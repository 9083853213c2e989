"""The clickstream of a day: coherent sessions, orders that match, and shapes like those of a real shop."""

import polars as pl
import pytest

from xbec_platform.world.events import COLUMNS, event_chunks, events_rows, truth_sessions
from xbec_platform.world.sessions import HEARTBEAT, TRACKER, draw_sessions
from xbec_platform.world.spec import parameters
from xbec_platform_tests.unit.world.behaviour_fakes import PER_CATEGORY, small_plan, small_spec

# Large enough for two parts of a day.
SPEC = small_spec(customers=4000, scale=8)
DAY = 12


@pytest.fixture(scope="module")
def plan():
    return small_plan(SPEC)


@pytest.fixture(scope="module")
def events(plan) -> pl.DataFrame:
    return events_rows(plan, DAY)


@pytest.fixture(scope="module")
def sessions(plan, events) -> pl.DataFrame:
    shapes = events.group_by("session_id").agg(
        pl.len().alias("events"),
        pl.col("event_type").is_in(["view", "search"]).sum().alias("pages"),
        *(
            (pl.col("event_type") == name).any().alias(name)
            for name in ("add_to_cart", "checkout", "purchase", "search")
        ),
        ((pl.col("event_type") == "view") & (pl.col("page_type") == "product")).any().alias("product"),
    )
    return shapes.join(truth_sessions(plan, DAY), on="session_id", validate="1:1")


def test_columns_are_those_of_the_data_model(events):
    assert tuple(events.columns) == COLUMNS
    for name in ("event_type", "page_type", "placement", "country", "device", "app", "user_agent_class"):
        assert isinstance(events.schema[name], pl.Enum)
    assert events.schema["price_shown"] == pl.Decimal(18, 4)


def test_events_are_sorted_by_their_key(events):
    assert events["event_id"].is_sorted()
    assert events["event_id"].n_unique() == events.height


def test_parts_are_small_independent_and_make_up_the_day(plan, events):
    parts = list(event_chunks(plan, DAY))
    assert len(parts) == 2
    assert max(part.height for part in parts) < 500_000
    assert pl.concat(parts).equals(events)
    assert not set(parts[0]["session_id"]) & set(parts[1]["session_id"])


def test_days_can_be_made_in_any_order(plan, events):
    events_rows(plan, 3)
    assert events_rows(plan, DAY).equals(events)


def test_purchases_match_the_orders_of_the_day_exactly(plan, events):
    """Each order is one session whose purchases are the products of its lines at the time of the order."""
    orders = plan.orders.frame.filter(pl.col("order_day") == DAY)
    bought = events.filter(pl.col("event_type") == "purchase")
    assert bought["session_id"].n_unique() == orders.height
    lines = plan.orders.lines.join(orders, on="order").select(
        ts=pl.col("order_ts"),
        product_id=plan.catalogue.frame["product_id"].gather(
            plan.orders.lines.join(orders, on="order")["product"]
        ),
        customer_id=_customer_ids(plan, plan.orders.lines.join(orders, on="order")["customer"]),
    )
    found = bought.select(pl.col("ts").dt.epoch("s"), "product_id", "customer_id")
    assert found.sort(pl.all()).equals(lines.sort(pl.all()))


def _customer_ids(plan, customer: pl.Series) -> pl.Series:
    ids = plan.people.frame["customer_id"].extend_constant(None, 1)
    return ids.gather(pl.select(pl.when(customer >= 0).then(customer).otherwise(len(ids) - 1)).to_series())


def test_what_is_bought_was_viewed_and_put_into_the_cart_before(events):
    bought = events.filter(pl.col("event_type") == "purchase").select("session_id", "product_id", last="ts")
    carts = events.filter(pl.col("event_type") == "add_to_cart").select("session_id", "product_id", cart="ts")
    both = bought.join(carts, on=["session_id", "product_id"])
    assert (
        both.select("session_id", "product_id").n_unique()
        == bought.select("session_id", "product_id").n_unique()
    )
    assert (both["cart"] <= both["last"]).all()
    checked = events.filter(pl.col("event_type") == "checkout")["session_id"]
    assert set(bought["session_id"]) <= set(checked)


def test_times_grow_within_a_session_and_arrival_follows(events):
    gap = events.select(gap=pl.col("ts").diff().over("session_id").dt.total_seconds())["gap"].drop_nulls()
    assert gap.min() >= 0
    assert (events["received_ts"] >= events["ts"]).all()
    late = (events["received_ts"] - events["ts"]).dt.total_seconds()
    assert (late <= 4).mean() > 0.97
    assert late.max() > 600  # late devices and slow clocks


def test_events_start_within_the_day_but_for_slow_clocks(events):
    early = (events["ts"].dt.date() < SPEC.day(DAY)).mean()
    assert early < 0.001
    assert events["ts"].dt.date().max() == SPEC.day(DAY)


def test_sessions_are_shaped_as_in_the_ga4_sample(sessions):
    """Bounds around 9.3 events, quantiles .9 = 18, .95 = 30, .99 = 111 of sessions without a purchase, 66 with one.

    Counted without session_start, first_visit and scroll, which GA4 sends by itself. Sessions with a purchase are
    apart because the shop of the tests has more of them.
    """
    people = sessions.filter(~pl.col("is_bot"))
    looking = people.filter(~pl.col("purchase"))["events"]
    assert looking.mean() == pytest.approx(9.3, rel=0.15)
    assert (sessions["pages"] <= 1).mean() == pytest.approx(0.57, abs=0.05)
    for level, measured in ((0.9, 18), (0.95, 30), (0.99, 111)):
        assert looking.quantile(level) == pytest.approx(measured, rel=0.35)
    assert people.filter("purchase")["events"].median() == pytest.approx(66, rel=0.2)
    assert sessions["product"].mean() == pytest.approx(0.24, abs=0.08)
    assert sessions["search"].mean() == pytest.approx(0.047, abs=0.02)


def test_most_visitors_are_new(sessions):
    assert (sessions["kind"] == "new_visitor").mean() == pytest.approx(0.64, abs=0.04)


def test_few_carts_become_orders(sessions):
    carts = sessions.filter("add_to_cart")
    assert 0.05 < sessions["add_to_cart"].mean() < 0.12
    # GA4: 17 %, surveys 30 %; the shop of the tests has more orders for each visit.
    assert 0.14 < carts["purchase"].mean() < 0.3


def test_the_cart_of_an_order_holds_what_is_bought_only(events, sessions):
    """What is put into the cart beside it is taken out before; a funnel by products would count it as lost else."""
    steps = events.join(sessions.filter("purchase").select("session_id"), on="session_id", how="semi")
    counts = steps.group_by("session_id", "product_id").agg(
        *(
            (pl.col("event_type") == name).sum().alias(name)
            for name in ("add_to_cart", "remove_from_cart", "purchase")
        )
    )
    left = counts["add_to_cart"] - counts["remove_from_cart"] - counts["purchase"]
    assert counts["remove_from_cart"].sum() > 50
    assert (left == 0).all()
    assert (
        steps.group_by("session_id").agg((pl.col("event_type") == "checkout").sum())["event_type"] == 1
    ).all()


def test_visitors_are_active_on_pages_as_in_the_ga4_sample(plan, events):
    """Engaged seconds: median 10.8 of all sessions, known by heartbeats; 65 of those with two pages, by the tracker."""
    modes = truth_sessions(plan, DAY).with_columns(
        pl.concat([pl.Series("dwell", draw_sessions(plan.behaviour, DAY, part).dwell) for part in range(2)])
    )
    per_session = (
        events.join(modes.filter(~pl.col("is_bot")).select("session_id", "dwell"), on="session_id")
        .group_by("session_id", "dwell")
        .agg(
            pl.col("dwell_s").sum(),
            pings=(pl.col("event_type") == "ping").sum(),
            pages=pl.col("event_type").is_in(["view", "search"]).sum(),
        )
    )
    beats = per_session.filter(pl.col("dwell") == HEARTBEAT)["pings"] * 10
    assert beats.median() == 10
    reported = per_session.filter(pl.col("dwell") == TRACKER, pl.col("pages") > 1)["dwell_s"]
    assert reported.median() == pytest.approx(65, rel=0.25)


def test_time_on_page_is_known_in_three_ways(plan, events):
    drawn = pl.concat(
        [pl.DataFrame({"dwell": draw_sessions(plan.behaviour, DAY, part).dwell}) for part in range(2)]
    )["dwell"]
    modes = truth_sessions(plan, DAY).with_columns(drawn)
    known = events.join(modes.select("session_id", "dwell", "is_bot"), on="session_id").filter(
        ~pl.col("is_bot")
    )
    by_mode = (
        known.group_by("dwell")
        .agg(reported=pl.col("dwell_s").is_not_null().any(), pings=(pl.col("event_type") == "ping").any())
        .sort("dwell")
    )
    assert by_mode["reported"].to_list() == [True, False, False]
    assert by_mode["pings"].to_list() == [False, True, False]
    assert known["dwell_s"].min() >= 0
    assert (known["dwell_s"] > 1800).sum() > 0  # idle tabs


def test_the_last_page_of_a_session_has_no_time(events):
    last = events.filter(pl.col("event_type") != "ping").group_by("session_id").agg(pl.col("dwell_s").last())
    assert last["dwell_s"].null_count() == last.height


def test_heartbeats_are_ten_seconds_apart_and_repeat_their_page(events):
    before = events.with_columns(
        gap=pl.col("ts").diff().over("session_id").dt.total_seconds(),
        page_before=pl.col("page_type").shift().over("session_id"),
    )
    pings = before.filter(pl.col("event_type") == "ping")
    assert (pings["page_type"] == pings["page_before"]).all()
    # A session cut at midnight stands still.
    assert pings["gap"].is_in([10]).mean() > 0.999
    assert pings["position"].null_count() == pings.height


def test_programs_have_many_pages_without_time(events, sessions):
    bots = sessions.filter("is_bot")
    assert (bots["pages"] > 50).all()
    rows = events.join(bots.select("session_id"), on="session_id", how="semi")
    assert rows["dwell_s"].drop_nulls().sum() == 0
    assert 0.3 < (rows["user_agent_class"] == "bot").mean() < 0.9


def test_searches_find_nothing_when_misspelt_or_not_sold(events):
    searches = events.filter(pl.col("event_type") == "search")
    unsold = searches.filter(pl.col("search_query").is_in(parameters("behaviour")["zero_result_queries"]))
    assert unsold.height > 0
    assert unsold["search_results_n"].max() == 0
    assert searches["search_query"].null_count() == 0
    assert (searches["search_results_n"] == 0).mean() == pytest.approx(0.3, abs=0.15)
    assert searches["search_results_n"].max() >= 1


def test_clicks_in_lists_favour_the_first_positions(events):
    """Examination is 1 / rank, products of a list are alike: position 1 gets twice the clicks of position 2."""
    clicks = events.filter(pl.col("placement").is_in(["grid", "results"]))["position"].value_counts()
    count = dict(clicks.iter_rows())
    assert count[1] / count[2] == pytest.approx(2.0, rel=0.15)
    assert count[1] / count[4] == pytest.approx(4.0, rel=0.3)


def test_only_products_on_sale_are_shown(plan, events):
    """P0001 is retired on day 10 and the last product launched on day 15."""
    last = f"P{8 * PER_CATEGORY:04d}"
    seen = set(events["product_id"].drop_nulls())
    assert "P0001" not in seen
    assert last not in seen
    assert last in set(events_rows(plan, 20)["product_id"].drop_nulls())


def test_people_look_at_what_they_like(sessions, events):
    """Customers of a segment see its categories more than others do, or no model could learn a taste."""
    views = events.filter(pl.col("event_type") == "view").join(
        sessions.select("session_id", "segment"), on="session_id"
    )
    baby = views.drop_nulls("product_id").group_by("segment").agg((pl.col("category") == "all/baby").mean())
    shares = dict(baby.iter_rows())
    assert shares["new_parent"] > 4 * shares["tech_enthusiast"]


def test_only_registered_people_are_logged_in(plan, events):
    seen = events["customer_id"].drop_nulls().unique()
    people = plan.people.frame.filter(pl.col("customer_id").is_in(seen.implode()))
    assert (people["joined_day"] <= DAY).all()
    assert people["erased_day"].fill_null(SPEC.days).min() > DAY


def test_returning_visitors_come_with_an_identifier_of_an_earlier_day(plan, events):
    before = pl.concat(
        [events_rows(plan, day).select("anonymous_id").unique() for day in range(DAY - 3, DAY)]
    )
    truth = truth_sessions(plan, DAY)
    returning = events.join(truth.filter(pl.col("kind") == "returning_visitor"), on="session_id", how="semi")
    new = events.join(truth.filter(pl.col("kind") == "new_visitor"), on="session_id", how="semi")
    assert returning["anonymous_id"].unique().is_in(before["anonymous_id"].implode()).mean() > 0.05
    assert not new["anonymous_id"].unique().is_in(before["anonymous_id"].implode()).any()


def test_nothing_latent_is_in_the_rows(events):
    assert not {"segment", "kind", "is_bot", "person"} & set(events.columns)
