"""Endpoints of the service: each reads a few rows of the published snapshot. What they say was decided elsewhere."""

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Annotated, Any, Literal

from fastapi import Depends, FastAPI, HTTPException, Path, Query, Request, Response
from fastapi.responses import JSONResponse
from starlette.middleware.trustedhost import TrustedHostMiddleware

from xbec_platform.service.snapshot import CurrentSnapshot, Snapshot

Rows = list[dict[str, Any]]
Id = Annotated[str, Path(min_length=1, max_length=100)]
Market = Annotated[str | None, Query(min_length=2, max_length=40, description="country the parcel goes to")]
Limit = Annotated[int, Query(ge=1, le=100, description="rows at most")]

LOOPBACK_HOSTS = ["127.0.0.1", "localhost", "[::1]", "testserver"]


def build_app(current: CurrentSnapshot, *, token: str | None = None) -> FastAPI:
    """The service over a snapshot.

    Args:
        current: What to read.
        token: What requests must carry as `Authorization: Bearer ...`; None serves this machine only and refuses
            requests that name another host, which pages of strangers make in a visitor's browser.
    """
    app = FastAPI(
        title="xbec-platform",
        version="1",
        description="Read-only: recommendations, search and decisions of the published snapshot.",
        docs_url=None,  # its page loads scripts from elsewhere
        redoc_url=None,
    )

    async def snapshot() -> AsyncIterator[Snapshot]:
        with current.lease() as leased:
            yield leased

    if token is None:
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOOPBACK_HOSTS)
    else:
        _ask_for(app, token)
    _add_lists(app, Annotated[Snapshot, Depends(snapshot)])
    _add_catalogue(app, Annotated[Snapshot, Depends(snapshot)])
    _add_people(app, Annotated[Snapshot, Depends(snapshot)])
    _add_delivery(app, Annotated[Snapshot, Depends(snapshot)])

    @app.get("/v1/health", summary="Which snapshot is served, and whether a newer one could not be read")
    def health(published: Annotated[Snapshot, Depends(snapshot)]) -> dict[str, Any]:
        return {
            "status": "ok" if current.last_error is None else "stale",
            "published_at": published.published_at,
            "as_of": published.as_of,
            "tables": len(published.tables),
            "error": current.last_error,
        }

    return app


def _ask_for(app: FastAPI, token: str) -> None:
    expected = f"Bearer {token}".encode()

    @app.middleware("http")
    async def check(request: Request, go_on: Callable[[Request], Awaitable[Response]]) -> Response:
        if not hmac.compare_digest(request.headers.get("authorization", "").encode(), expected):
            return JSONResponse(
                {"detail": "send the header Authorization: Bearer <token>; it is in api.token of the home"},
                status_code=401,
                headers={"WWW-Authenticate": "Bearer"},
            )
        return await go_on(request)


def newest(published: Snapshot, table: str) -> Any:
    """The day to read of a model table.

    Raises:
        HTTPException: 404, the snapshot does not hold the table.
    """
    day = published.day_of(table)
    if day is None:
        raise HTTPException(404, f"the snapshot has no {table}; run the job decisions, which publishes it")
    return day


def found(rows: Rows, what: str) -> Rows:
    """The rows.

    Raises:
        HTTPException: 404, there is none.
    """
    if not rows:
        raise HTTPException(404, what)
    return rows


def _add_lists(app: FastAPI, reading: Any) -> None:
    @app.get("/v1/recommendations/{customer_id}", summary="Products for a customer, each with its reason")
    def recommendations(
        published: reading,
        customer_id: Id,
        kind: Annotated[
            Literal["discover", "replenish"], Query(description="new products, or repeats")
        ] = "discover",
        limit: Limit = 20,
    ) -> Rows:
        table = f"ml.recs_{kind}"
        more = ", due_date, order_by_date" if kind == "replenish" else ""
        rows = published.ranked(
            f"""SELECT rank, product_id, score, generator, reason_kind, reason_product_id{more}
            FROM {table} WHERE as_of_date = ? AND customer_id = ?""",
            [newest(published, table), customer_id],
            limit,
        )
        return found(rows, f"no list for customer {customer_id}")

    @app.get("/v1/similar/{product_id}", summary="Products looked at together with one, or alike")
    def similar(published: reading, product_id: Id, limit: Limit = 20) -> Rows:
        rows = published.ranked(
            """SELECT rank, similar_id AS product_id, score, reason_kind FROM ml.recs_similar
            WHERE as_of_date = ? AND product_id = ?""",
            [newest(published, "ml.recs_similar"), product_id],
            limit,
        )
        return found(rows, f"nothing is known to be similar to {product_id}")

    @app.get("/v1/bought-together/{product_id}", summary="Products bought in one order with a product")
    def bought_together(published: reading, product_id: Id, market: Market = None, limit: Limit = 20) -> Rows:
        day = newest(published, "ml.product_affinity")
        rows = published.rows(
            """SELECT r.product_id, r.confidence, r.lift, r.lift_low, r.lift_high, r.n_both FROM (
                SELECT product_b AS product_id, confidence_ab AS confidence, lift, lift_low, lift_high, n_both
                FROM ml.product_affinity WHERE as_of_date = $1 AND basket_kind = 'order' AND market = $2
                    AND product_a = $3
                UNION ALL
                SELECT product_a, confidence_ba, lift, lift_low, lift_high, n_both
                FROM ml.product_affinity WHERE as_of_date = $1 AND basket_kind = 'order' AND market = $2
                    AND product_b = $3
            ) AS r
            ORDER BY r.lift_low DESC, r.product_id LIMIT $4""",
            [day, market or "all", product_id, limit],
        )
        for row in rows:
            row["title"] = published.shown.get(row["product_id"], {}).get("title")
        return found(rows, f"nothing is significantly often bought together with {product_id}")


def _add_catalogue(app: FastAPI, reading: Any) -> None:
    @app.get("/v1/search", summary="Products for words, typos forgiven")
    def search(
        published: reading,
        q: Annotated[str, Query(min_length=1, max_length=200, description="what somebody types")],
        market: Market = None,
        in_stock: Annotated[bool, Query(description="only what is in stock for the market")] = False,
        limit: Limit = 20,
    ) -> dict[str, Any]:
        try:
            hits = published.search.search(q, market=market, in_stock=in_stock, limit=limit)
        except ValueError as error:
            raise HTTPException(422, str(error)) from error
        rows = [
            {**published.shown[name], "score": score}
            for name, score in zip(hits.product_ids, hits.scores, strict=True)
        ]
        return {"total": hits.total, "is_relaxed": hits.is_relaxed, "products": rows}

    @app.get("/v1/facets", summary="Attribute values of a market with products, stock and landed price")
    def facets(
        published: reading,
        market: Annotated[str, Query(min_length=2, max_length=40)],
        attribute: Annotated[str | None, Query(max_length=100)] = None,
        limit: Limit = 100,
    ) -> Rows:
        rows = published.rows(
            """SELECT * EXCLUDE (as_of_date) FROM ml.catalog_facets
            WHERE as_of_date = ? AND market = ? AND coalesce(attribute = ?, true)
            ORDER BY attribute, n_products DESC, attribute_value LIMIT ?""",
            [newest(published, "ml.catalog_facets"), market, attribute, limit],
        )
        return found(rows, f"nothing is offered in {market}")

    @app.get(
        "/v1/offers/{product_id}", summary="Where a product may be sold, stock and landed price by market"
    )
    def offers(published: reading, product_id: Id, market: Market = None) -> Rows:
        rows = published.rows(
            """SELECT * EXCLUDE (as_of_date) FROM ml.product_offers
            WHERE as_of_date = ? AND product_id = ? AND coalesce(market = ?, true) ORDER BY market""",
            [newest(published, "ml.product_offers"), product_id, market],
        )
        return found(rows, f"no product {product_id}")


def _add_people(app: FastAPI, reading: Any) -> None:
    @app.get("/v1/portrait/{customer_id}", summary="What is known of a customer who agreed to profiling")
    def portrait(published: reading, customer_id: Id) -> Rows:
        agreed = published.rows(
            "SELECT consent_profiling IS TRUE AS agreed FROM marts.dim_customer WHERE customer_id = ?",
            [customer_id],
        )
        if not found(agreed, f"no customer {customer_id}")[0]["agreed"]:
            raise HTTPException(403, f"customer {customer_id} has not agreed to profiling")
        tags = published.rows(
            """SELECT tag, position, value, number, evidence_n, confidence FROM ml.portrait_tags
            WHERE as_of_date = ? AND subject_type = 'person' AND subject_id = ? ORDER BY tag, position, value""",
            [newest(published, "ml.portrait_tags"), customer_id],
        )
        return found(tags, f"no portrait of customer {customer_id}")

    @app.get("/v1/target-groups/{product_id}", summary="Groups that buy a product more often than everybody")
    def target_groups(published: reading, product_id: Id, limit: Limit = 10) -> Rows:
        rows = published.rows(
            """SELECT * EXCLUDE (as_of_date, item_id) FROM ml.product_target_groups
            WHERE as_of_date = ? AND item_id = ?""",
            [newest(published, "ml.product_target_groups"), product_id],
        )
        first = sorted(rows, key=lambda row: row["rank"])[:limit]  # a sort in the database costs 1 ms more
        return found(first, f"no target groups of {product_id}")


def _add_delivery(app: FastAPI, reading: Any) -> None:
    goods = Annotated[Literal["plain", "battery", "hazard"], Query(description="kind of goods")]
    kg = Annotated[
        float, Query(gt=0, le=1000, description="weight of the parcel (kg); the next heavier table counts")
    ]
    where = """FROM ml.routes WHERE as_of_date = $1 AND zone = $2 AND goods = $3 AND cost_base IS NOT NULL
        AND parcel_kg = (SELECT coalesce(min(parcel_kg) FILTER (parcel_kg >= $4), max(parcel_kg)) FROM ml.routes)"""

    @app.get("/v1/routes", summary="Every way to a country that no other beats in cost and time")
    def routes(
        published: reading,
        zone: Annotated[str, Query(min_length=2, max_length=40)],
        weight_kg: kg = 0.5,
        kind: goods = "plain",
        origin: Annotated[str | None, Query(max_length=100, description="warehouse")] = None,
        limit: Limit = 20,
    ) -> Rows:
        rows = published.rows(
            f"""SELECT * EXCLUDE (as_of_date, zone, status) {where} AND coalesce(origin_node = $5, true)
            ORDER BY cost_base, p50_days, origin_node, route_no LIMIT $6""",
            [newest(published, "ml.routes"), zone, kind, weight_kg, origin, limit],
        )
        return found(rows, f"no way to {zone}")

    @app.get(
        "/v1/promise",
        summary="What may be promised for a country: days kept nine times in ten, and their price",
    )
    def promise(
        published: reading,
        zone: Annotated[str, Query(min_length=2, max_length=40)],
        weight_kg: kg = 0.5,
        kind: goods = "plain",
    ) -> Rows:
        rows = published.rows(
            f"""SELECT label, origin_node, modes, cost_base, p50_days, ceil(p90_days)::INTEGER AS promise_days FROM (
                SELECT *, 'fastest' AS label, row_number() OVER (
                    ORDER BY p90_days, cost_base, origin_node, route_no) AS n
                {where}
                UNION ALL
                SELECT *, 'cheapest', row_number() OVER (ORDER BY cost_base, p90_days, origin_node, route_no)
                {where}
            ) WHERE n = 1 ORDER BY label DESC""",
            [newest(published, "ml.routes"), zone, kind, weight_kg],
        )
        return found(rows, f"no way to {zone}")
