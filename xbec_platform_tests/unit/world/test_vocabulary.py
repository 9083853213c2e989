"""Steps, blocks and lookup tables of behaviour.yml."""

import numpy as np
import pytest

from xbec_platform.world.spec import parameters
from xbec_platform.world.visitors import visitors
from xbec_platform.world.vocabulary import examination, lookup_table, quantile_table, vocabulary


def test_a_lookup_table_has_the_weights():
    assert np.bincount(lookup_table([1, 3], 1000)).tolist() == [250, 750]
    assert 1 not in lookup_table([1, 0, 1], 1000)


def test_a_quantile_table_has_the_quantiles():
    table = quantile_table({0.0: 1, 0.5: 10, 1.0: 100}, 10_000)
    assert np.quantile(table, [0.25, 0.5, 0.75]) == pytest.approx([10**0.5, 10, 10**1.5], rel=1e-3)


def test_examination_is_one_over_the_rank():
    assert examination(4) == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4])


def test_every_block_is_made_of_known_steps():
    words = vocabulary()
    rule = parameters("behaviour")
    names = list(rule["steps"])
    for name, number in words.blocks.names.items():
        first, length = words.blocks.first[number], words.blocks.length[number]
        assert [names[step] for step in words.blocks.steps[first : first + length]] == rule["blocks"][name][
            "steps"
        ]


def test_orders_and_campaigns_never_happen_by_chance():
    words = vocabulary()
    for name in ("purchase", "checkout", "buy", "campaign", "recs_click"):
        assert words.blocks.names[name] not in words.blocks.landing
        assert words.blocks.names[name] not in words.blocks.browse


def test_a_visitor_follows_from_day_and_number_alone():
    """Returning visitors need no memory: the same numbers give the same identifier, device and market."""
    shares = np.array([1.0, 3.0])
    one = visitors(1, np.array([4, 4, -7]), np.array([10, 11, 10]), shares)
    again = visitors(1, np.array([4]), np.array([10]), shares)
    assert one.anonymous_id()[0] == again.anonymous_id()[0]
    assert one.anonymous_id().n_unique() == 3
    many = visitors(1, np.zeros(20_000, dtype=np.int64), np.arange(20_000), shares)
    assert (many.market == 1).mean() == pytest.approx(0.75, abs=0.01)
    assert many.anonymous_id().n_unique() == 20_000
