"""What is compared: heads, a gain, ways to sample, and what the sampled head could do without."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from llavataros.ablation.parts import option
from llavataros_jax.errors import UserError
from llavataros_jax.run_options import SAMPLING

_REGRESSION, _FLOW = ("model.head=regression",), ("model.head=flow",)
PRE_TRAINED = "pre-trained"
START = "training.start_from"


@dataclass(frozen=True)
class Row:
    """One row of the table.

    Attributes:
        name: As it is asked for.
        says: What is special about it, in a few words.
        training: Name of its training, which rows may share.
        overrides: Options of that training.
        dials: Options of sampling and of films, which a trained network takes.
        is_enlarged: Whether its hands are brought to the recorded speed by `film.size`.
    """

    name: str
    says: str
    training: str
    overrides: tuple[str, ...]
    dials: tuple[str, ...] = ()
    is_enlarged: bool = False

    @property
    def is_sampled(self) -> bool:
        """Whether the same speech gives other motion with another seed."""
        return "model.head=flow" in self.overrides


def _own(name: str, says: str, *overrides: str) -> Row:
    """Returns a row with a training of its own."""
    return Row(name, says, name, overrides)


ROWS = {
    row.name: row
    for row in (
        _own("regression", "the mean of what fits", *_REGRESSION),
        Row(
            *("gain", "the regression, enlarged to the recorded speed of hands", "regression"),
            _REGRESSION,
            is_enlarged=True,
        ),
        *(
            Row(
                *(f"flow-{steps}", f"one of what fits, {steps} step{'s' * (steps > 1)}", "flow"),
                _FLOW,
                dials=(f"flow.steps={steps}",),
            )
            for steps in (1, 2, 5, 20)
        ),
        _own("history", "told its last two poses", *_FLOW, "flow.history_frames=2"),
        _own(
            *("history-whole", "told them always and exactly", *_FLOW, "flow.history_frames=2"),
            *("flow.history_dropout=0", "flow.history_noise=0"),
        ),
        _own("uncorrelated", "other noise on every frame", *_FLOW, "flow.noise_correlation=0"),
        _own("no-pace", "noise of one pace", *_FLOW, "flow.pace=false"),
        *(
            _own(
                f"{head}-ahead-{frames}",
                f"{head}, hears {frames} frames ahead",
                *(f"model.head={head}", f"model.lookahead_frames={frames}"),
            )
            for head in ("regression", "flow")
            for frames in (8, 15)
        ),
        _own(
            "residual", "the flow makes what the regression lacks", *_FLOW, "flow.target=residual"
        ),
        _own(PRE_TRAINED, "started from another run", *_FLOW),
    )
}
CURVE = ("regression", "flow-2")
# Options that tell trainings apart. Networks are not validated as they train, because a choice
# among checkpoints by the held-out clips would flatter whoever varies most.
OURS = ("training.run", "training.seed", "training.validate_every", "model.head", START)


def choose_rows(
    text: str | None, *, start_from: str | None = None, minutes: Sequence[float] = ()
) -> tuple[Row, ...]:
    """Returns the rows of a list parted by commas, in the table's order.

    Args:
        text: The list; by default all rows that can be had, or for a curve `CURVE`.
        start_from: The run that `pre-trained` starts from.
        minutes: Minutes of training clips, each of which makes rows of its own.

    Raises:
        UserError: When one is unknown, named twice or lacks its start, or a start has no use.
    """
    usual = CURVE if minutes else [name for name in ROWS if start_from or name != PRE_TRAINED]
    names = list(usual) if text is None else [n.strip() for n in text.split(",") if n.strip()]
    unknown = [name for name in names if name not in ROWS]
    if unknown or not names:
        said = f"names {unknown[0]!r}, which is no row" if unknown else "names no row"
        raise UserError(f"--rows {text!r} {said}; there are {', '.join(ROWS)}")
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"--rows {text!r} names {twice[0]} twice; name each once")
    if PRE_TRAINED in names and not start_from:
        raise UserError(f"row {PRE_TRAINED} needs a run to start from; name it with --start-from")
    if start_from and PRE_TRAINED not in names:
        raise UserError(f"--start-from has no effect without the row {PRE_TRAINED}; leave it out")
    rows = [row for name, row in ROWS.items() if name in names]
    if start_from:
        rows = [_started(row, start_from) if row.name == PRE_TRAINED else row for row in rows]
    if not minutes:
        return tuple(rows)
    return tuple(of_minutes(row, count) for row in rows for count in minutes)


def of_minutes(row: Row, minutes: float) -> Row:
    """Returns a row that is trained on so many minutes."""
    end = f"{minutes:g}min"
    return dataclasses.replace(
        row,
        name=f"{row.name}-{end}",
        says=f"{row.says}, of {minutes:g} min of training clips",
        training=f"{row.training}-{end}",
    )


def part_dials(overrides: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Parts options of training from dials, refusing what rows set themselves.

    Returns:
        The options of training and the dials.

    Raises:
        UserError: When one is set by rows.
    """
    training, dials = [], []
    for override in overrides:
        name = override.partition("=")[0].strip().lstrip("-").replace("-", "_")
        if name in OURS:
            raise UserError(
                f"--set {override!r} is set by rows and seeds themselves; leave it out (--rows and "
                "--seeds choose them, --out says where they go)"
            )
        is_dial = name in SAMPLING or name.startswith("film.")
        (dials if is_dial else training).append(override)
    return tuple(training), tuple(dials)


def _started(row: Row, start_from: str) -> Row:
    return dataclasses.replace(row, overrides=(*row.overrides, option(START, Path(start_from))))
