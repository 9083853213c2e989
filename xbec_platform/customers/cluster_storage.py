"""A cluster model as flat frames and back, without loss; where the frames are kept is the caller's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, fields
from typing import Any

import polars as pl

from xbec_platform.customers.challengers import K_MEANS, Challenger
from xbec_platform.customers.cluster_model import ClusterModel, FeatureBins, Group
from xbec_platform.customers.features import DroppedFeature, FittedFeature
from xbec_platform.customers.stability import StabilityRow

# Frame name -> columns. Every frame has rows for one model only.
MODEL_SCHEMAS: Mapping[str, pl.Schema] = {
    "cluster_model": pl.Schema(
        {
            "status": pl.String,
            "origin": pl.String,
            "reason": pl.String,
            "k": pl.Int64,
            "n_customers": pl.Int64,
            "mean_ari": pl.Float64,
            "ari_to_previous": pl.Float64,
            "method": pl.String,
        }
    ),
    "cluster_features": pl.Schema(
        {
            "position": pl.Int64,
            "feature": pl.String,
            "is_used": pl.Boolean,
            "reason": pl.String,
            "is_log": pl.Boolean,
            "unit": pl.Float64,
            "lower": pl.Float64,
            "upper": pl.Float64,
            "center": pl.Float64,
            "scale": pl.Float64,
        }
    ),
    "cluster_groups": pl.Schema(
        {
            "cluster_key": pl.String(),
            "cluster_name": pl.String(),
            "n_customers": pl.Int64(),
            "weight": pl.Float64(),
            "covariance": pl.List(pl.Float64),
        }
    ),
    "cluster_centroids": pl.Schema({"cluster_key": pl.String, "feature": pl.String, "centroid": pl.Float64}),
    "cluster_bins": pl.Schema(
        {"feature": pl.String, "bin_no": pl.Int64, "upper": pl.Float64, "share": pl.Float64}
    ),
    "cluster_stability": pl.Schema(
        {
            "k": pl.Int64,
            "n_resamples": pl.Int64,
            "mean_ari": pl.Float64,
            "min_ari": pl.Float64,
            "weakest_jaccard": pl.Float64,
            "smallest_share": pl.Float64,
            "is_chosen": pl.Boolean,
            "reason": pl.String,
        }
    ),
    "cluster_challengers": pl.Schema(
        {
            "method": pl.String,
            "n_groups": pl.Int64,
            "noise_share": pl.Float64,
            "smallest_share": pl.Float64,
            "silhouette": pl.Float64,
            "mean_ari": pl.Float64,
            "ari_to_k_means": pl.Float64,
        }
    ),
}


def model_to_frames(model: ClusterModel) -> dict[str, pl.DataFrame]:
    """Return the frames of `MODEL_SCHEMAS`, each sorted by its key.

    Used features come first in `cluster_features` and carry their scale; dropped ones carry the reason. The
    last bin of a feature has no upper edge (null).
    """
    used = [(i, f.column, True, None, *astuple(f)[1:]) for i, f in enumerate(model.features)]
    left_out = [
        (len(used) + i, d.column, False, d.reason, None, None, None, None, None, None)
        for i, d in enumerate(model.dropped)
    ]
    rows: dict[str, list[tuple[Any, ...]]] = {
        "cluster_model": [
            (
                model.status,
                model.origin,
                model.reason,
                len(model.groups),
                model.n_customers,
                model.mean_ari,
                model.ari_to_previous,
                model.method,
            )
        ],
        "cluster_features": used + left_out,
        "cluster_groups": [
            (g.key, g.name, g.n_customers, g.weight, list(g.covariance)) for g in model.groups
        ],
        "cluster_centroids": [
            (g.key, f.column, z)
            for g in model.groups
            for f, z in zip(model.features, g.centroid, strict=True)
        ],
        "cluster_bins": [
            (b.column, i, upper, share)
            for b in model.bins
            for i, (upper, share) in enumerate(zip((*b.uppers, None), b.shares, strict=True))
        ],
        "cluster_stability": [astuple(row) for row in model.stability],
        "cluster_challengers": [astuple(row) for row in model.challengers],
    }
    keys = {"cluster_centroids": ["cluster_key", "feature"], "cluster_bins": ["feature", "bin_no"]}
    frames = {name: pl.DataFrame(rows[name], schema=MODEL_SCHEMAS[name], orient="row") for name in rows}
    return {name: frame.sort(keys.get(name, [])) if name in keys else frame for name, frame in frames.items()}


def model_from_frames(frames: Mapping[str, pl.DataFrame]) -> ClusterModel:
    """Rebuild the model that `model_to_frames` took apart; further columns and row order do not matter.

    Raises:
        ValueError: not exactly one model, or a frame is missing.
    """
    absent = sorted(set(MODEL_SCHEMAS) - set(frames))
    if absent:
        raise ValueError(f"frames missing: {', '.join(absent)}")
    parts = {name: frames[name].select(schema.names()) for name, schema in MODEL_SCHEMAS.items()}
    # Days that were stored before operators could promote a method hold null there.
    parts["cluster_model"] = parts["cluster_model"].with_columns(pl.col("method").fill_null(K_MEANS))
    parts["cluster_groups"] = parts["cluster_groups"].with_columns(
        pl.col("weight").fill_null(1.0), pl.col("covariance").fill_null([])
    )
    head = parts["cluster_model"]
    if head.height != 1:
        raise ValueError(f"cluster_model has {head.height} rows: give the frames of one model (one day)")
    listed = parts["cluster_features"].sort("position")
    features = tuple(
        FittedFeature(column=row["feature"], log=row["is_log"], **_only(row, FittedFeature))
        for row in listed.filter("is_used").iter_rows(named=True)
    )
    dropped = listed.filter(~pl.col("is_used")).select("feature", "reason")
    return ClusterModel(
        **_only(head.row(0, named=True), ClusterModel),
        features=features,
        dropped=tuple(DroppedFeature(column=c, reason=r) for c, r in dropped.iter_rows()),
        groups=_groups(parts["cluster_groups"], parts["cluster_centroids"], features),
        bins=_bins(parts["cluster_bins"], features),
        stability=tuple(
            StabilityRow(**row) for row in parts["cluster_stability"].sort("k").iter_rows(named=True)
        ),
        challengers=tuple(Challenger(**row) for row in parts["cluster_challengers"].iter_rows(named=True)),
    )


def _groups(
    groups: pl.DataFrame, centroids: pl.DataFrame, features: tuple[FittedFeature, ...]
) -> tuple[Group, ...]:
    places = {(key, feature): z for key, feature, z in centroids.iter_rows()}
    return tuple(
        Group(
            key=key,
            name=name,
            n_customers=n,
            centroid=tuple(places[key, f.column] for f in features),
            covariance=tuple(covariance),
            weight=weight,
        )
        for key, name, n, weight, covariance in groups.sort("cluster_key").iter_rows()
    )


def _bins(bins: pl.DataFrame, features: tuple[FittedFeature, ...]) -> tuple[FeatureBins, ...]:
    found = []
    for feature in features:
        rows = bins.filter(pl.col("feature") == feature.column).sort("bin_no")
        if rows.height:
            uppers, shares = rows["upper"].drop_nulls().to_list(), rows["share"].to_list()
            found.append(FeatureBins(column=feature.column, uppers=tuple(uppers), shares=tuple(shares)))
    return tuple(found)


def _only(row: Mapping[str, Any], record: Any) -> dict[str, Any]:
    """Return the entries of a row that are fields of a record under the same name."""
    names = {field.name for field in fields(record)}
    return {name: value for name, value in row.items() if name in names}
