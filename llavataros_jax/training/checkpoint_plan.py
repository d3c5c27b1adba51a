"""What a checkpoint knows of the plan of the lanes, so that training goes on in the same one.

The memory of a lane belongs to the clip that the lane reads. Another plan from there on, as another
version of NumPy or of this project may draw, would hand it to another clip without a word.
"""

from pathlib import Path

from llavataros_jax.errors import UserError

PLAN = "plan.txt"


def write_plan(step_folder: Path, fingerprint: str) -> None:
    """Writes the fingerprint of a plan into a step's folder."""
    (step_folder / PLAN).write_text(f"{fingerprint}\n", encoding="utf-8")


def require_plan(step_folder: Path, fingerprint: str) -> None:
    """Requires that a checkpoint was saved with this plan; those of older versions do not say.

    Raises:
        UserError: When it was saved with another.
    """
    try:
        saved = (step_folder / PLAN).read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return
    if saved != fingerprint:
        raise UserError(
            f"checkpoint {step_folder} was saved where training reads its clips in another order "
            f"(plan {saved}, here {fingerprint}), so it cannot go on as it began; use the versions "
            "in the run's versions.json, or begin a new run with training.start_from"
        )
