"""Everything about a world that must be known before its days can be made, in the order of dependence.

It grows with people and orders, not with events; days are made from it one by one, in any process.
"""

from dataclasses import dataclass

from xbec_platform.world.behaviour import Behaviour, build_behaviour
from xbec_platform.world.buying import Buying, build_buying
from xbec_platform.world.campaigns import Campaigns, build_campaigns
from xbec_platform.world.catalogue import Catalogue, build_catalogue
from xbec_platform.world.competitors import Competitors, build_competitors
from xbec_platform.world.fulfilment import Fulfilment, build_fulfilment
from xbec_platform.world.network import Network, build_network
from xbec_platform.world.orders import Orders, build_orders
from xbec_platform.world.payments import Payments, build_payments
from xbec_platform.world.people import People, build_people
from xbec_platform.world.presales import Presales, build_presales
from xbec_platform.world.promises import add_promises
from xbec_platform.world.returns import Returns, build_returns
from xbec_platform.world.reviews import Reviews, build_reviews
from xbec_platform.world.spec import WorldSpec, parameters
from xbec_platform.world.trade import Trade, build_trade


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The parts of a world; each is described where it is built."""

    spec: WorldSpec
    catalogue: Catalogue
    trade: Trade
    people: People
    campaigns: Campaigns
    buying: Buying
    orders: Orders
    presales: Presales
    payments: Payments
    network: Network
    fulfilment: Fulfilment
    returns: Returns
    reviews: Reviews
    behaviour: Behaviour
    competitors: Competitors


def build_plan(spec: WorldSpec) -> Plan:
    """Draw everything that days share."""
    catalogue, trade = build_catalogue(spec), build_trade(spec)
    people = build_people(spec, catalogue.categories, parameters("trade")["markets"])
    campaigns, buying = build_campaigns(spec, people), build_buying(spec, people)
    orders = build_orders(spec, people, buying, catalogue, trade)
    network = build_network(spec)
    orders = add_promises(spec, orders, catalogue, network)
    fulfilment = build_fulfilment(spec, orders, catalogue, network)
    returns = build_returns(spec, orders, catalogue, fulfilment)
    return Plan(
        spec=spec,
        catalogue=catalogue,
        trade=trade,
        people=people,
        campaigns=campaigns,
        buying=buying,
        orders=orders,
        presales=build_presales(orders),
        payments=build_payments(spec, orders, returns, trade),
        network=network,
        fulfilment=fulfilment,
        returns=returns,
        reviews=build_reviews(spec, orders, catalogue, fulfilment),
        behaviour=build_behaviour(spec, people, catalogue, orders, campaigns),
        competitors=build_competitors(spec, catalogue, trade),
    )
