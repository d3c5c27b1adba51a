"""`llavataros study analyse`: what the answers of many people say about the systems."""

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from llavataros.study.answers import Answer, read_answers, without_inattentive
from llavataros.study.results import Results, format_results, write_results
from llavataros.study.summary import matched_shares, pair_shares, rank, side_share
from llavataros_jax.errors import UserError
from llavataros_jax.rendering.plots import check_picture

EPILOG = """\
CSV is what the page wrote for each participant, or a folder of such files.

  {prog} answers/ --study study/ --out results/

preference  Per pair of systems: wins, losses, ties, the share of wins with Wilson's 95 % interval,
            and the exact binomial p of wins against losses (ties left out), corrected by Holm over
            the pairs. A tie counts as half a win in the share, or is left out by --ties out.
            Then Bradley-Terry strengths on the scale of Elo with a mean of 1000 (100 points more
            are preferred in 64 % of comparisons), ties as half wins, and percentile intervals of a
            bootstrap over whole participants.
matching    Per system: how often the motion with its own speech was told from the one with
            another's, against a half, corrected by Holm over the systems.

Wilson's interval and the binomial test take answers as independent. Those of one person are not:
where few people answered much, trust the intervals "over people", a bootstrap that draws whole
participants.

Who fails more attention checks than --most-failures is dropped and named. Sides are random, so
left and right should be near a half each; a p for a side near 0 means that people did not look.

Written to --out: results.json, results.csv and results.png.
"""
DESCRIPTION = "Analyse the answers to a study made by `llavataros study make`."


def analyse(given: argparse.Namespace) -> int:
    """Analyses the answers that the command line names."""
    _check(given)
    answers, notes = read_answers([Path(path) for path in given.csv])
    if given.study:
        _check_study(Path(given.study), answers)
    kept, dropped = without_inattentive(answers, most_failures=given.most_failures)
    if not kept:
        raise UserError(
            f"no answer is left of {len({row.participant for row in answers})} participants, of "
            f"whom {len(dropped)} failed attention checks; collect more, or allow failures by "
            "--most-failures"
        )
    half_ties = given.ties == "half"
    preference = kept[0].kind == "preference"
    count = pair_shares if preference else matched_shares
    results = Results(
        study=kept[0].study,
        kind=kept[0].kind,
        settings={
            "ties": given.ties,
            "most_failures": given.most_failures,
            "resamples": given.resamples,
            "bootstrap_over": given.over,
            "prior_ties": given.prior_ties,
            "seed": given.seed,
        },
        participants=dict(sorted(Counter(row.participant for row in kept).items())),
        dropped=dropped,
        shares=count(kept, half_ties=half_ties, resamples=given.resamples, seed=given.seed),
        strengths=rank(
            kept,
            resamples=given.resamples,
            seed=given.seed,
            prior_ties=given.prior_ties,
            over=given.over,
        )
        if preference
        else [],
        sides=side_share(kept),
        median_seconds=statistics.median(row.seconds for row in kept),
    )
    for note in notes + _uneven(results):
        print(f"note: {note}")
    print(format_results(results))
    if given.out:
        written = write_results(Path(given.out), results)
        print("wrote " + ", ".join(map(str, written)))
    return 0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Adds the options of this command."""
    parser.add_argument("csv", nargs="+", metavar="CSV", help="files, or folders of them")
    parser.add_argument("--out", metavar="DIR", help="folder to write to; only printed without")
    parser.add_argument(
        "--study", metavar="DIR", help="the folder that was made, to refuse answers to another"
    )
    parser.add_argument(
        "--most-failures",
        type=int,
        default=0,
        metavar="N",
        help="attention checks that one may fail and still count; default: %(default)s",
    )
    parser.add_argument(
        "--ties",
        choices=("half", "out"),
        default="half",
        help="in shares, a tie is half a win, or left out; default: %(default)s",
    )
    parser.add_argument(
        "--resamples", type=int, default=2000, metavar="N", help="default: %(default)s; 0 for none"
    )
    parser.add_argument(
        "--over",
        choices=("participants", "clips", "both"),
        default="participants",
        help="what the bootstrap draws again; default: %(default)s",
    )
    parser.add_argument(
        "--prior-ties",
        type=float,
        default=1.0,
        metavar="N",
        help="ties that each compared pair gets more, so that who always wins has a finite "
        "strength; default: %(default)g",
    )
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap; default: 0")


def _check(given: argparse.Namespace) -> None:
    if given.out:
        check_picture(Path(given.out) / "results.png")
    for option, value in (
        ("--most-failures", given.most_failures),
        ("--resamples", given.resamples),
        ("--seed", given.seed),
    ):
        if value < 0:
            raise UserError(f"{option} is {value}, but must be 0 or more")
    least = "above 0, or 0 with --resamples 0"
    if not 0 <= given.prior_ties < float("inf") or (given.resamples and not given.prior_ties):
        raise UserError(f"--prior-ties is {given.prior_ties:g}, but must be {least}")


def _check_study(folder: Path, answers: Sequence[Answer]) -> None:
    """Refuses answers to another study than the one in the folder."""
    path = folder / "study.json"
    try:
        study = json.loads(path.read_text(encoding="utf-8"))["study"]
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise UserError(
            f"{path} cannot be read as a study's; name the folder that `llavataros study make` "
            "wrote"
        ) from problem
    if answers[0].study != study:
        raise UserError(
            f"the answers are to the study {answers[0].study}, but {folder} holds the study "
            f"{study}; name the right folder by --study"
        )


def _uneven(results: Results) -> list[str]:
    """Says who answered less than others."""
    most = max(results.participants.values())
    fewer = [f"{who} ({n})" for who, n in results.participants.items() if n < most]
    return [f"fewer than {most} answers by {', '.join(fewer)}"] if fewer else []
