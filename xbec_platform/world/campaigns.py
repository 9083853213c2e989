"""Campaigns, whom they contact and what they truly change; what people see of them is in `impressions`."""

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import polars as pl

from xbec_platform.demo.files import money, timestamp
from xbec_platform.world.people import People
from xbec_platform.world.spec import SECONDS_PER_DAY, WorldSpec, parameters
from xbec_platform.world.streams import stream

if TYPE_CHECKING:
    from xbec_platform.world.plan import Plan

TIME = pl.Datetime("us", "UTC")
MONEY = pl.Decimal(18, 4)
CAMPAIGN_SCHEMA: dict[str, pl.DataType | type[pl.DataType]] = {
    "campaign_id": pl.String,
    "name": pl.String,
    "channel": pl.String,
    "start_ts": TIME,
    "end_ts": TIME,
    "budget": MONEY,
    "currency": pl.String,
    "offer": pl.String,
    "target_def": pl.String,
}
# Campaigns are entered in the shop's system the day before they start.
ANNOUNCED_DAYS = 1


@dataclass(frozen=True, kw_only=True)
class Campaigns:
    """Campaigns by index (row number).

    Attributes:
        frame: campaign_id, name, channel, category, start_day, end_day (first day after it), budget_cents, offer,
            uplift (truth: added chance of a first order within the campaign) and holdout (share).
        treated: Who is contacted, [campaigns x customers]; the rest of `targeted` is the holdout.
        targeted: Who belongs to the target group at its start, [campaigns x customers].
    """

    frame: pl.DataFrame
    treated: npt.NDArray[np.bool_]
    targeted: npt.NDArray[np.bool_]


def build_campaigns(spec: WorldSpec, people: People) -> Campaigns:
    """Return the campaigns of the period; whom to leave alone is drawn at random, independent of everything."""
    rules = parameters("behaviour")["campaigns"]
    start = [round(rule["from_share"] * spec.days) for rule in rules]
    frame = pl.DataFrame(
        {
            "campaign_id": [f"K{number:03d}" for number in range(1, len(rules) + 1)],
            **{name: [rule[name] for rule in rules] for name in ("name", "channel", "category", "offer")},
            "start_day": start,
            "end_day": [min(day + rule["days"], spec.days) for day, rule in zip(start, rules, strict=True)],
            "budget_cents": [round(rule["budget_eur"] * 100) for rule in rules],
            **{name: [float(rule[name]) for rule in rules] for name in ("uplift", "holdout")},
        }
    )
    consents = people.frame["consent_marketing"].to_numpy()
    joined = people.frame["joined_day"].to_numpy()
    erased = people.frame["erased_day"].fill_null(spec.days).to_numpy()
    targeted = np.array([consents & (joined < day) & (erased > day) for day in start])
    alone = np.array([rule["holdout"] for rule in rules])[:, None]
    drawn = stream(spec.seed, "holdout").random(targeted.shape, dtype=np.float32)
    return Campaigns(frame=frame, treated=targeted & (drawn >= alone), targeted=targeted)


def advance_first_orders(
    spec: WorldSpec,
    people: People,
    campaigns: Campaigns,
    first: npt.NDArray[np.float64],
    start: npt.NDArray[np.float64],
) -> npt.NDArray[np.float64]:
    """Return first orders with those that a campaign brings about.

    Args:
        spec: Seed and period.
        people: Customers.
        campaigns: Whom they contact and by how much they raise the chance.
        first: Fractional day of the first order, infinite when never.
        start: Fractional day from which the customer can order.
    """
    columns = campaigns.frame.select("start_day", "end_day", "uplift").iter_rows()
    for number, (begin, end, uplift) in enumerate(columns):
        uniform = stream(spec.seed, "uplift", number).random((people.frame.height, 2))
        would_not = (first >= end) & (start < begin)
        moved = campaigns.treated[number] & would_not & (uniform[:, 0] < uplift)
        first = np.where(moved, begin + uniform[:, 1] * (end - begin), first)
    return first


def campaigns_rows(plan: "Plan", day: int) -> pl.DataFrame:
    """Return the campaigns entered on a day: those that start the day after, on day 0 also earlier ones."""
    frame = plan.campaigns.frame
    entered = np.maximum(frame["start_day"].to_numpy() - ANNOUNCED_DAYS, 0)
    chosen = frame.filter(pl.Series(entered == day))
    epoch = plan.spec.epoch
    target = [
        json.dumps(
            {
                "consent_marketing": True,
                "registered_before": plan.spec.day(begin).isoformat(),
                "category": name,
            }
        )
        for begin, name in chosen.select("start_day", "category").iter_rows()
    ]
    return chosen.select(
        "campaign_id",
        "name",
        "channel",
        timestamp(epoch + pl.col("start_day") * SECONDS_PER_DAY).alias("start_ts"),
        timestamp(epoch + pl.col("end_day") * SECONDS_PER_DAY).alias("end_ts"),
        money(pl.col("budget_cents")).alias("budget"),
        pl.lit(parameters("trade")["base_currency"]).alias("currency"),
        "offer",
        pl.Series("target_def", target, dtype=pl.String),
    ).select(pl.col(name).cast(dtype) for name, dtype in CAMPAIGN_SCHEMA.items())


def truth_campaigns(plan: "Plan") -> pl.DataFrame:
    """Return the true uplift of each campaign: campaign_id, uplift, holdout, targeted and treated customers."""
    campaigns = plan.campaigns
    return campaigns.frame.select(
        "campaign_id",
        "uplift",
        "holdout",
        pl.Series("targeted", campaigns.targeted.sum(axis=1)),
        pl.Series("treated", campaigns.treated.sum(axis=1)),
    )


def truth_campaign_groups(plan: "Plan") -> pl.DataFrame:
    """Return who was contacted and who was left alone: campaign_id, customer_id, is_treated."""
    campaigns = plan.campaigns
    number, customer = np.nonzero(campaigns.targeted)
    return pl.DataFrame(
        {
            "campaign_id": campaigns.frame["campaign_id"].gather(pl.Series(number)),
            "customer_id": plan.people.frame["customer_id"].gather(pl.Series(customer)),
            "is_treated": campaigns.treated[number, customer],
        }
    )
