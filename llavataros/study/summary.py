"""What the answers of a study say: shares with intervals and tests, and strengths."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from llavataros.study import shares, strengths
from llavataros.study.answers import LEFT, RIGHT, TIE, Answer


@dataclass(frozen=True)
class Share:
    """How often one is preferred to another.

    Attributes:
        first: System whose share it is.
        second: The other system, or `mismatched` where `first` moves to its own speech.
        wins: Answers for the first.
        losses: Answers for the second.
        ties: Answers for neither.
        share: Wins of all answers, ties counted as told.
        low: Lower end of Wilson's interval.
        high: Upper end.
        people_low: Lower end of the bootstrap's interval over participants; NaN for fewer than two.
        people_high: Its upper end.
        p: Exact two-sided binomial p of wins against losses.
        p_holm: Corrected for the number of shares.
    """

    first: str
    second: str
    wins: int
    losses: int
    ties: int
    share: float
    low: float
    high: float
    people_low: float
    people_high: float
    p: float
    p_holm: float


@dataclass(frozen=True)
class Strength:
    """A system's strength on the scale of Elo, mean 1000, with the ends of its interval."""

    system: str
    strength: float
    low: float
    high: float


MISMATCHED = "mismatched"
# By whose share and against whom: who answered, and 1 for, -1 against, 0 for a tie.
Outcomes = dict[tuple[str, str], list[tuple[str, int]]]


def pair_shares(
    answers: Sequence[Answer], *, half_ties: bool, resamples: int, seed: int
) -> list[Share]:
    """Counts each pair of systems that was compared; the more preferred one stands first."""
    systems = sorted({name for row in answers for name in (row.left, row.right)})
    outcomes = {}
    for first, second in combinations(systems, 2):
        rows = [row for row in answers if {row.left, row.right} == {first, second}]
        found = [(row.participant, _outcome(row, first == row.left)) for row in rows]
        if sum(outcome for _, outcome in found) < 0:
            first, second = second, first
            found = [(who, -outcome) for who, outcome in found]
        if found:
            outcomes[first, second] = found
    return _shares(outcomes, half_ties=half_ties, resamples=resamples, seed=seed)


def matched_shares(
    answers: Sequence[Answer], *, half_ties: bool, resamples: int, seed: int
) -> list[Share]:
    """Counts, system by system, how often the motion with its own speech was told."""
    outcomes = {}
    for row in answers:
        outcome = _outcome(row, row.left_speech == row.clip)
        outcomes.setdefault((row.left, MISMATCHED), []).append((row.participant, outcome))
    outcomes = dict(sorted(outcomes.items()))
    return _shares(outcomes, half_ties=half_ties, resamples=resamples, seed=seed)


def count_wins(
    answers: Sequence[Answer],
) -> tuple[list[str], Float[np.ndarray, "P C S S"]]:
    """Counts wins of the row's over the column's system by participant and clip.

    A tie is half a win of each.

    Returns:
        Names of the systems, and the counts.
    """
    systems = sorted({name for row in answers for name in (row.left, row.right)})
    people = sorted({row.participant for row in answers})
    clips = sorted({row.clip for row in answers})
    wins = np.zeros((len(people), len(clips), len(systems), len(systems)))
    for row in answers:
        place = wins[people.index(row.participant), clips.index(row.clip)]
        left, right = systems.index(row.left), systems.index(row.right)
        place[left, right] += {LEFT: 1.0, TIE: 0.5, RIGHT: 0.0}[row.answer]
        place[right, left] += {LEFT: 0.0, TIE: 0.5, RIGHT: 1.0}[row.answer]
    return systems, wins


def rank(
    answers: Sequence[Answer],
    *,
    resamples: int,
    seed: int,
    prior_ties: float,
    over: str,
) -> list[Strength]:
    """Fits Bradley–Terry strengths with percentile intervals, the strongest first.

    Args:
        answers: Of a preference study.
        resamples: Of the bootstrap; none with 0, and intervals of NaN.
        seed: Of the bootstrap.
        prior_ties: See `strengths`.
        over: What is drawn again: `participants`, `clips` or `both`.

    Raises:
        UserError: There are no finite strengths.
    """
    systems, wins = count_wins(answers)
    fitted = strengths.fit(wins, prior_ties=prior_ties)
    low, high = np.full((2, len(systems)), np.nan)
    if resamples:
        drawn = strengths.bootstrap(
            wins,
            resamples=resamples,
            seed=seed,
            prior_ties=prior_ties,
            over_participants=over != "clips",
            over_clips=over != "participants",
        )
        tail = (1 - shares.CONFIDENCE) / 2
        low, high = np.quantile(drawn, (tail, 1 - tail), axis=0)
    found = zip(systems, fitted.tolist(), low.tolist(), high.tolist(), strict=True)
    return sorted((Strength(*row) for row in found), key=lambda row: -row.strength)


def side_share(answers: Sequence[Answer]) -> Share:
    """Counts left against right: people who look leave it near a half, as sides are random."""
    outcomes = {(LEFT, RIGHT): [(row.participant, _outcome(row, True)) for row in answers]}
    (found,) = _shares(outcomes, half_ties=False, resamples=0, seed=0)
    return found


def _outcome(row: Answer, for_left: bool) -> int:
    """Returns 1 where the answer is for that side, -1 where for the other, 0 for a tie."""
    return {LEFT: 1, TIE: 0, RIGHT: -1}[row.answer] * (1 if for_left else -1)


def _shares(outcomes: Outcomes, *, half_ties: bool, resamples: int, seed: int) -> list[Share]:
    counts = {
        names: [sum(outcome == kind for _, outcome in rows) for kind in (1, -1, 0)]
        for names, rows in outcomes.items()
    }
    p = np.array([shares.sign_test(wins, losses) for wins, losses, _ in counts.values()])
    found = []
    for (names, (wins, losses, ties)), own, corrected in zip(
        counts.items(), p.tolist(), shares.holm(p).tolist(), strict=True
    ):
        count = wins + ties / 2 if half_ties else wins
        total = wins + losses + ties if half_ties else wins + losses
        share = count / total if total else float("nan")
        people: dict[str, list[float]] = {}
        for who, outcome in outcomes[names]:
            if outcome or half_ties:
                people.setdefault(who, []).append((1 + outcome) / 2)
        found.append(
            Share(
                *(*names, wins, losses, ties, share, *shares.wilson(count, total)),
                *shares.over_people(list(people.values()), resamples=resamples, seed=seed),
                *(own, corrected),
            )
        )
    return found
