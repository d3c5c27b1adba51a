"""Intervals, corrections and strengths against statsmodels and SciPy."""

import numpy as np
import pytest
from scipy.stats import binom, binomtest

from llavataros.study.shares import holm, over_people, sign_test, wilson
from llavataros.study.strengths import POINTS, bootstrap, fit, strengths, with_prior
from llavataros_jax.errors import UserError

statsmodels = pytest.importorskip("statsmodels.api")
multipletests = pytest.importorskip("statsmodels.stats.multitest").multipletests
proportion_confint = pytest.importorskip("statsmodels.stats.proportion").proportion_confint


@pytest.mark.parametrize(("count", "total"), [(0, 9), (9, 9), (4, 9), (4.5, 9), (61.5, 120)])
def test_wilson_is_statsmodels(count, total):
    expected = proportion_confint(count, total, alpha=0.05, method="wilson")
    np.testing.assert_allclose(wilson(count, total), expected, atol=1e-12)
    expected = proportion_confint(count, total, alpha=0.2, method="wilson")
    np.testing.assert_allclose(wilson(count, total, confidence=0.8), expected, atol=1e-12)


@pytest.mark.parametrize("total", [1, 2, 7, 40, 300])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.83, 1.0])
def test_wilson_of_whole_counts_is_scipys(total, share):
    count = round(share * total)
    expected = binomtest(count, total).proportion_ci(0.95, method="wilson")
    np.testing.assert_allclose(wilson(count, total), expected, atol=1e-12)


def test_the_interval_over_people_is_that_of_their_shares():
    # Whoever answers always answers alike, so the number in favour among those drawn is binomial.
    answers = [[1.0] * 7] * 12 + [[0.0] * 7] * 8
    expected = binom.ppf([0.025, 0.975], 20, 0.6) / 20
    found = over_people(answers, resamples=4000, seed=0)
    np.testing.assert_allclose(found, expected, atol=0.051)  # one person's step
    low, high = wilson(84, 140)
    assert found[1] - found[0] > 2 * (high - low)  # which takes 140 answers for independent
    # Ties and people with few answers count by their answers.
    assert over_people([[0.5], [0.5, 0.5]], resamples=50, seed=0) == (0.5, 0.5)
    assert np.isnan(over_people([[1.0, 0.0]], resamples=50, seed=0)).all()


def test_nothing_decided_says_nothing():
    assert wilson(0, 0) == (0.0, 1.0)
    assert sign_test(0, 0) == 1.0


def test_the_sign_test_is_the_binomials_tails():
    # 2 (C(10,0) + C(10,1)) / 2^10
    assert sign_test(9, 1) == pytest.approx(22 / 1024, rel=1e-12)
    assert sign_test(31, 17) == binomtest(31, 48).pvalue


@pytest.mark.parametrize("tests", range(1, 13))
def test_holm_is_statsmodels(tests):
    # Small ones and ones near 1, some of them equal, in no order.
    p = np.random.default_rng(tests).choice([0.0, 1e-4, 0.011, 0.02, 0.02, 0.3, 0.97, 1.0], tests)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-12)


def _by_statsmodels(wins: np.ndarray) -> np.ndarray:
    """Fits the same strengths by a logistic regression on who played."""
    systems, rows, counts = len(wins), [], []
    for first in range(systems):
        for second in range(first + 1, systems):
            if wins[first, second] + wins[second, first]:
                rows.append(np.eye(systems)[first] - np.eye(systems)[second])
                counts.append((wins[first, second], wins[second, first]))
    family = statsmodels.families.Binomial()
    model = statsmodels.GLM(np.array(counts), np.array(rows)[:, 1:], family=family)
    logits = np.append(0, model.fit(tol=1e-13, maxiter=200).params)
    return 1000 + 400 / np.log(10) * (logits - logits.mean())


@pytest.mark.parametrize("prior_ties", [0.0, 1.0])
@pytest.mark.parametrize("seed", range(4))
def test_strengths_are_a_logistic_regressions(seed, prior_ties):
    dice = np.random.default_rng(seed)
    wins = np.zeros((6, 3, 5, 5))
    # Not all pairs are compared, and ties count half for both.
    for first, second in [(0, 1), (1, 2), (2, 3), (3, 4), (0, 4), (1, 3)]:
        won = dice.choice([0, 0.5, 1], size=(6, 3))
        wins[:, :, first, second], wins[:, :, second, first] = won, 1 - won
    total = wins.sum((0, 1))
    expected = _by_statsmodels(total + prior_ties / 2 * (total + total.T > 0))
    np.testing.assert_allclose(fit(wins, prior_ties=prior_ties), expected, atol=1e-5)


def test_two_systems_have_a_closed_form():
    found = strengths(np.array([[0.0, 3.0], [1.0, 0.0]]))
    assert found[0] - found[1] == pytest.approx(POINTS * np.log(3), abs=1e-6)
    assert found.mean() == pytest.approx(1000)
    # On the scale of Elo 400 points are odds of ten.
    found = strengths(np.array([[0.0, 10.0], [1.0, 0.0]]))
    assert found[0] - found[1] == pytest.approx(400, abs=1e-6)


def test_who_always_wins_has_no_finite_strength_without_a_prior():
    wins = np.array([[0.0, 8.0, 8.0], [0.0, 0.0, 4.0], [0.0, 4.0, 0.0]])
    with pytest.raises(UserError, match="no finite strengths; give --prior-ties above 0"):
        strengths(wins)
    found = strengths(with_prior(wins, wins + wins.T > 0, 1.0))
    np.testing.assert_allclose(found, _by_statsmodels(wins + 0.5 - 0.5 * np.eye(3)), atol=1e-5)


def test_systems_without_a_common_opponent_cannot_be_ranked():
    wins = np.zeros((4, 4))
    wins[0, 1] = wins[1, 0] = wins[2, 3] = wins[3, 2] = 2
    with pytest.raises(UserError, match="in none with them"):
        fit(wins[None, None], prior_ties=1.0)


@pytest.mark.slow
def test_resampling_draws_whole_participants_or_clips():
    # Every participant answers alike on all clips, so drawing clips again changes nothing.
    wins = np.zeros((8, 5, 2, 2))
    wins[:6, :, 0, 1] = 1
    wins[6:, :, 1, 0] = 1
    options = {"resamples": 400, "seed": 3, "prior_ties": 1.0}
    assert np.ptp(
        bootstrap(wins, over_participants=False, over_clips=True, **options), axis=0
    ).max() == pytest.approx(0, abs=1e-6)
    drawn = bootstrap(wins, **options)
    # The share of winners among eight drawn again is binomial; so are the strengths' quantiles.
    won = np.random.default_rng(0).binomial(8, 0.75, 200_000) * 5
    expected = POINTS * np.log((won + 0.5) / (40 - won + 0.5))
    got = drawn[:, 0] - drawn[:, 1]
    assert np.median(got) == pytest.approx(np.median(expected), abs=1)
    assert got.mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / 20)
    assert got.std() == pytest.approx(expected.std(), rel=0.15)


def test_the_same_seed_draws_the_same():
    wins = np.random.default_rng(0).random((5, 4, 3, 3)) * (1 - np.eye(3))
    one, two = (bootstrap(wins, resamples=3, seed=1, prior_ties=1.0) for _ in "ab")
    np.testing.assert_array_equal(one, two)
