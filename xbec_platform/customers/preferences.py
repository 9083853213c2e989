"""What a customer prefers, by attribute of goods: the paper's four inputs as four scores, and one preference.

Reading and storing do not belong here. The inputs are decayed sums of weights per customer and attribute value; how
often something was shown gives the base rate, so that liking what everybody sees counts for nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from xbec_platform.customers.ctr_prior import CtrPrior, ctr_priors, prior_table
from xbec_platform.customers.numbered_texts import numbered

PPM = 1_000_000
KEY = ("customer_id", "attribute", "attribute_value")
# The attribute whose leading value says which other people a customer is compared with.
INTEREST = "category"
PART_ROWS = 400_000
# With what stands for an unknown market, and for nothing known.
_TEXTS = {"customer_id": (), "market": ("",), "attribute": ("", INTEREST), "attribute_value": ()}


@dataclass(frozen=True, kw_only=True)
class PreferenceParams:
    """How evidence becomes a preference.

    Attributes:
        own_weight: Weight of evidence at which a customer counts as much as what is assumed of them; a cart and two
            purchases make 20.
        group_weight: The same for the people of one interest against their market.
        exposure_weight: Exposures at which a market's own base rate counts as much as that of all markets.
        setting_weight: What one explicit setting weighs; it does not decay (seed preference_weights).
        least_exposures: Impressions below which a market is described by the pages its visitors opened.
        values_kept: Best values of an attribute that are kept of a customer.
    """

    own_weight: float = 20.0
    group_weight: float = 500.0
    exposure_weight: float = 500.0
    setting_weight: float = 10.0
    least_exposures: int = 1000
    values_kept: int = 8

    def __post_init__(self) -> None:
        """Refuse what no estimate can be made with."""
        for name in ("own_weight", "group_weight", "exposure_weight", "setting_weight", "values_kept"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")


@dataclass(frozen=True, kw_only=True)
class Preferences:
    """What `preferences` returns.

    Attributes:
        scores: customer_id, attribute, attribute_value, browse_score, frequency_score, setting_score, ctr_score
            (null: nothing known of that input), preference (log-odds against the market), interest_share (expected
            share of the customer's interest within the attribute), n_events, confidence (0 to 1: share of own
            evidence in the preference), preference_rank (within customer and attribute, 1 is the best); sorted by
            the first three.
        base_rates: market, attribute, attribute_value, base_rate, sorted.
        ctr_priors: Of each market; "" is all of them.
    """

    scores: pl.DataFrame
    base_rates: pl.DataFrame
    ctr_priors: Mapping[str, CtrPrior]

    def ctr_table(self) -> pl.DataFrame:
        """The priors as market, prior_clicks, prior_impressions, click_rate; sorted."""
        return prior_table(self.ctr_priors)


def preferences(
    signals: pl.DataFrame,
    exposures: pl.DataFrame,
    customers: pl.DataFrame,
    settings: pl.DataFrame,
    params: PreferenceParams | None = None,
    groups: pl.DataFrame | None = None,
) -> Preferences:
    """Score what each customer prefers.

    preference(u, a, v) = log((w_uav + k p_gav) / (w_ua + k) / q_mav) + ctr_score: Dirichlet-smoothed log-odds. w are
    the customer's decayed weights, q the market's base rate among exposures, p the rate of people in the same group by
    interest (of those with the same leading category, where a customer is in none), itself shrunk to q. Sub-scores are
    the same with one input alone, shrunk to q, so that 0 means "as everybody".

    Args:
        signals: customer_id, attribute, attribute_value; browsing_ppm, frequency_ppm (decayed weight),
            impressions_ppm, clicks_ppm (decayed numbers), all in millionths; n_events. One row each. The texts may be
            numbered (Enum).
        exposures: market, attribute, attribute_value; impressions_ppm, views_ppm. Everybody's, strangers included.
        customers: customer_id, market (null: not known), may_be_profiled: without it a customer counts in the rates
            of others and gets no scores.
        settings: customer_id, attribute, attribute_value: what customers say they want.
        params: How evidence becomes a preference.
        groups: customer_id, cluster_key: groups by interest. On the generated world they bring the rank correlation
            with the true tastes over all categories, unseen ones included, from .69 to .71 (true segments: .72).
    """
    given = params or PreferenceParams()
    rates = base_rates(exposures, customers, given)
    signals, settings, customers, base = numbered(_TEXTS, signals, settings, customers, rates)
    evidence = _evidence(signals, settings, customers, given)
    priors = ctr_priors(evidence)
    rated = _with_assumptions(evidence, base, groups, given)
    profiled = customers.filter("may_be_profiled").select("customer_id")
    own = rated.join(profiled, on="customer_id", how="semi", maintain_order="left")
    best = [_best(_scored(_with_click_rates(part, priors), given), given) for part in _parts(own)]
    kept = pl.concat(best)
    return Preferences(
        scores=kept.with_columns(pl.col(*KEY).cast(pl.String)),
        base_rates=rates,
        ctr_priors=priors,
    )


_SCORES = ("browse_score", "frequency_score", "setting_score", "ctr_score", "preference", "interest_share")


def base_rates(exposures: pl.DataFrame, customers: pl.DataFrame, params: PreferenceParams) -> pl.DataFrame:
    """Return how often each value of an attribute is met by chance in each market of the customers.

    The share among impressions that came into sight; where there are hardly any, among opened pages. A market's shares
    are shrunk to those of all markets, and a value nobody met counts as met once.

    Returns:
        market ("" stands for an unknown one and for all), attribute, attribute_value, base_rate > 0; sorted.
    """
    known = exposures.with_columns(pl.col("market").fill_null(""))
    met = pl.when(pl.col("impressions_ppm").sum().over("attribute") >= params.least_exposures * PPM)
    chosen = known.with_columns(n=met.then("impressions_ppm").otherwise("views_ppm"))
    everywhere = (
        chosen.group_by("attribute", "attribute_value")
        .agg(pl.col("n").sum() + PPM)  # whole millionths: the order of groups must not show in their sum
        .with_columns(overall=pl.col("n") / pl.col("n").sum().over("attribute"))
        .drop("n")
    )
    markets = pl.concat([pl.Series("market", [""]), customers["market"].drop_nulls()]).unique().sort()
    own = chosen.filter(pl.col("market") != "").group_by("market", "attribute", "attribute_value")
    return (
        markets.to_frame()
        .join(everywhere, how="cross")
        .join(own.agg(n=pl.col("n").sum() / PPM), on=("market", "attribute", "attribute_value"), how="left")
        .with_columns(pl.col("n").fill_null(0.0))
        # Sums of floats depend on the order of their rows.
        .sort("market", "attribute", "attribute_value")
        .with_columns(
            base_rate=(pl.col("n") + params.exposure_weight * pl.col("overall"))
            / (pl.col("n").sum().over("market", "attribute") + params.exposure_weight)
        )
        .select("market", "attribute", "attribute_value", "base_rate")
    )


def _parts(rows: pl.DataFrame) -> list[pl.DataFrame]:
    """Whole tastes, some hundred thousand rows at a time: scores take three times the space of what they come from."""
    if rows.is_empty():
        return [rows]
    starts = rows["taste"].search_sorted(rows["taste"].gather_every(PART_ROWS)).unique().sort().to_list()
    ends = [*starts[1:], rows.height]
    return [rows[start:end] for start, end in zip(starts, ends, strict=True)]


def _best(scored: pl.DataFrame, params: PreferenceParams) -> pl.DataFrame:
    """The rows of the best values of each taste, with their rank, in the order they came."""
    # Sorting keeps the order of equal preferences, which is that of their values. Two columns are sorted and not all.
    ranked = (
        scored.select("taste", "preference")
        .with_row_index("place")
        .sort("taste", "preference", descending=[False, True], maintain_order=True)
        .with_columns(row=pl.int_range(pl.len(), dtype=pl.Int64))
        .with_columns(
            preference_rank=1 + pl.col("row") - pl.when(_is_first("taste")).then("row").forward_fill()
        )
    )
    kept = ranked.filter(pl.col("preference_rank") <= params.values_kept).sort("place")
    columns = scored.select(*KEY, *_SCORES, "n_events", "confidence")
    return columns[kept["place"]].with_columns(kept["preference_rank"])


def _evidence(
    signals: pl.DataFrame, settings: pl.DataFrame, customers: pl.DataFrame, params: PreferenceParams
) -> pl.DataFrame:
    """Signals and settings of each customer and value side by side, with the market; weights in millionths.

    Sorted by their key; `taste` numbers customers and attributes in that order: whole numbers are grouped several times
    as fast as pairs of texts.
    """
    said = settings.select(KEY).unique().with_columns(n_settings=pl.lit(1, pl.Int64))
    weight = round(params.setting_weight * PPM)
    return (
        signals.join(said, on=KEY, how="full", coalesce=True)
        .with_columns(pl.col(pl.Int64).fill_null(0))
        .join(customers.select("customer_id", "market"), on="customer_id", how="left")
        .with_columns(
            pl.col("market").fill_null(""),
            # What was sent back more often than bought is disliked, which a share cannot say: it counts as nothing.
            frequency_ppm=pl.col("frequency_ppm").clip(0),
            setting_ppm=pl.col("n_settings") * weight,
            n_events=pl.col("n_events") + pl.col("n_settings"),
        )
        .with_columns(own_ppm=pl.sum_horizontal("browsing_ppm", "frequency_ppm", "setting_ppm"))
        .pipe(_in_order)
        .with_columns(taste=pl.any_horizontal(_is_first(*KEY[:2])).cum_sum())
    )


def _in_order(rows: pl.DataFrame) -> pl.DataFrame:
    """Rows with numbered texts by their key: one number is sorted at a third of the cost of three columns."""
    sizes = rows.select(pl.col(*KEY).to_physical().max().fill_null(0) + 1).row(0)
    place = pl.lit(0, pl.UInt64)
    for name, size in zip(KEY, sizes, strict=True):
        place = place * size + pl.col(name).to_physical()
    return rows.sort(place)


def _is_first(*names: str) -> pl.Expr:
    """Whether rows differ from the one before, for each column."""
    return pl.col(*names).ne_missing(pl.col(*names).shift())


def _with_assumptions(
    evidence: pl.DataFrame, base: pl.DataFrame, groups: pl.DataFrame | None, params: PreferenceParams
) -> pl.DataFrame:
    """Add base_rate (of the market) and assumed_rate (of the people in the group, or with the leading category)."""
    of_customer = evidence.filter(pl.col("attribute") == INTEREST, pl.col("own_ppm") > 0)
    leading = of_customer.sort(
        "customer_id", "own_ppm", "attribute_value", descending=[False, True, False]
    ).unique("customer_id", keep="first", maintain_order=True)
    interest = leading.select("customer_id", interest=pl.col("attribute_value").cast(pl.String))
    if groups is not None:
        # A group and a category of the same name are different people.
        own = groups.select("customer_id", interest=pl.lit("group:") + pl.col("cluster_key"))
        own = own.with_columns(pl.col("customer_id").cast(interest.schema["customer_id"], strict=False))
        interest = pl.concat([own.drop_nulls(), interest.join(own, on="customer_id", how="anti")])
    interest = interest.with_columns(
        pl.col("interest").cast(pl.Enum(pl.concat([interest["interest"], pl.Series([""])]).unique().sort()))
    )
    grouped = evidence.join(interest, on="customer_id", how="left", maintain_order="left").with_columns(
        pl.col("interest").fill_null("")
    )
    known = grouped.join(
        base, on=("market", "attribute", "attribute_value"), how="left", maintain_order="left"
    ).with_columns(
        # A value that was bought or said and that no page has ever shown.
        pl.col("base_rate").fill_null(pl.col("base_rate").min().over("attribute")).fill_null(1.0)
    )
    group = ("interest", "attribute", "attribute_value")
    sums = known.group_by(group).agg(pl.col("own_ppm").sum().alias("group_ppm"))
    totals = sums.group_by("interest", "attribute").agg(pl.col("group_ppm").sum().alias("group_total_ppm"))
    return (
        known.join(sums, on=group, how="left", maintain_order="left")
        .join(totals, on=("interest", "attribute"), how="left", maintain_order="left")
        .with_columns(
            assumed_rate=(pl.col("group_ppm") / PPM + params.group_weight * pl.col("base_rate"))
            / (pl.col("group_total_ppm") / PPM + params.group_weight)
        )
    )


def _with_click_rates(rated: pl.DataFrame, priors: Mapping[str, CtrPrior]) -> pl.DataFrame:
    """Add ctr_score: log of the customer's shrunk click rate on what has the value, against the market's."""
    shown, clicks = pl.col("impressions_ppm") / PPM, pl.col("clicks_ppm") / PPM
    rate = (clicks + pl.col("prior_clicks")) / (shown + pl.col("prior_impressions"))
    score = (rate / pl.col("click_rate")).log()
    table = prior_table(priors).with_columns(pl.col("market").cast(rated.schema["market"]))
    return rated.join(table, on="market", how="left", maintain_order="left").with_columns(
        ctr_score=pl.when(pl.col("impressions_ppm") > 0).then(score)
    )


def _scored(rated: pl.DataFrame, params: PreferenceParams) -> pl.DataFrame:
    base, k = pl.col("base_rate"), params.own_weight

    def total(column: str) -> pl.Expr:
        return pl.col(column).sum().over("taste")

    def alone(column: str) -> pl.Expr:
        score = ((pl.col(column) / PPM + k * base) / (total(column) / PPM + k) / base).log()
        return pl.when(total(column) > 0).then(score)

    share = (pl.col("own_ppm") / PPM + k * pl.col("assumed_rate")) / (total("own_ppm") / PPM + k)
    return rated.with_columns(
        browse_score=alone("browsing_ppm"),
        frequency_score=alone("frequency_ppm"),
        setting_score=alone("setting_ppm"),
        interest_share=share,
        preference=(share / base).log() + pl.col("ctr_score").fill_null(0.0),
        confidence=total("own_ppm") / PPM / (total("own_ppm") / PPM + k),
    )
