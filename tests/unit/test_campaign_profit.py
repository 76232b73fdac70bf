"""Whom it pays to contact: the formula against its parts, the best number, its bounds, and what one is unsure of."""

import numpy as np
import pytest

from ml.campaigns.profit import Assumptions, curves, expected_profit

RANDOM = np.random.default_rng(5)
SCORE, VALUE = RANDOM.random(2000), RANDOM.gamma(2, 400, 2000)
ASSUMED = Assumptions(contact_cost=10, offer_cost=50, save_rate=0.3, margin=1)


def test_profit_is_what_happens_on_average_to_many_such_customers():
    random, customers, p, value, s = np.random.default_rng(1), 1_000_000, 0.4, 900.0, 0.3
    would_leave = random.random(customers) < p
    is_saved = would_leave & (random.random(customers) < s)
    stays = ~would_leave | is_saved
    gained = is_saved * value - 10 - 50 * stays
    (expected,) = expected_profit(np.array([p]), np.array([value]), s, ASSUMED)
    assert expected == pytest.approx(gained.mean(), abs=4 * gained.std() / np.sqrt(customers))


def test_a_customer_who_is_sure_to_stay_costs_the_contact_and_the_offer():
    assert expected_profit(np.array([0.0]), np.array([1e6]), 0.3, ASSUMED) == [-60]


def test_the_best_number_is_that_of_the_customers_who_are_worth_it():
    found = curves(SCORE, VALUE, ASSUMED)
    profit = expected_profit(SCORE, VALUE, 0.3, ASSUMED)
    assert found.best == (profit > 0).sum()
    assert found.by_save_rate["expected"].best_profit == pytest.approx(profit[profit > 0].sum())
    assert set(found.order[: found.best]) == set(np.flatnonzero(profit > 0))


def test_the_curve_is_exact_at_its_points_and_has_all_cut_offs():
    found = curves(SCORE, VALUE, ASSUMED)
    for curve in found.by_save_rate.values():
        profit = expected_profit(SCORE, VALUE, curve.save_rate, ASSUMED)[found.order]
        sums = np.concatenate([[0], np.cumsum(profit)])
        np.testing.assert_allclose(curve.profit, sums[found.contacted])
        assert curve.best_profit == pytest.approx(sums.max())
        assert curve.best in found.contacted
    assert found.contacted[0] == 0
    assert found.contacted[-1] == min(2000, 4 * max(curve.best for curve in found.by_save_rate.values()))
    assert 290 < len(found.contacted) < 310


def test_the_curve_of_a_few_among_many_is_that_of_the_few():
    value = np.where(np.arange(2000) < 30, 1e4, 1.0)
    found = curves(np.full(2000, 0.5), value, ASSUMED)
    assert found.best == 30
    assert list(found.contacted) == list(range(121))


def test_half_and_double_the_save_rate_keep_the_order_of_the_customers():
    found = curves(SCORE, VALUE, ASSUMED).by_save_rate
    assert [found[name].save_rate for name in ("half", "expected", "double")] == [0.15, 0.3, 0.6]
    assert found["half"].best_profit < found["expected"].best_profit < found["double"].best_profit


def test_double_a_save_rate_is_at_most_one():
    assert curves(SCORE, VALUE, Assumptions(10, 50, 0.8, 1)).by_save_rate["double"].save_rate == 1


@pytest.mark.parametrize("capacity", [0, 1, 100, 5000])
def test_capacity_bounds_the_number(capacity):
    unbounded = curves(SCORE, VALUE, ASSUMED).best
    found = curves(SCORE, VALUE, Assumptions(10, 50, 0.3, 1, capacity=capacity))
    assert found.limit == min(capacity, 2000)
    assert found.best == min(capacity, unbounded)


def test_budget_bounds_the_expected_costs():
    found = curves(SCORE, VALUE, Assumptions(10, 50, 0.3, 1, budget=5000))
    score = SCORE[found.order]
    costs = np.cumsum(10 + 50 * (1 - score + score * 0.3))
    assert costs[found.limit - 1] <= 5000 < costs[found.limit]
    assert found.best <= found.limit


def test_a_budget_that_pays_exactly_for_a_number_allows_it():
    score, value = np.full(50, 0.5), np.full(50, 1000.0)
    assert curves(score, value, Assumptions(0.1, 0, 0.3, 1, budget=0.1 * 7)).limit == 7


def test_nobody_to_contact_is_a_curve_of_one_point():
    found = curves(np.array([]), np.array([]), ASSUMED)
    assert (found.best, found.limit, list(found.contacted)) == (0, 0, [0])


def test_customers_of_equal_profit_keep_their_order():
    assert list(curves(np.full(5, 0.5), np.full(5, 1e4), ASSUMED).order) == [0, 1, 2, 3, 4]
