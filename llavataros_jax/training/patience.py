"""When training has waited long enough for a better held-out loss (early stopping).

Prechelt, "Early Stopping - But When?" (1998) calls this criterion UP. Nothing is remembered for it:
the best checkpoint has its step, and validations come every so many steps.
"""


def no_better(best_step: int | None, step: int, *, validate_every: int) -> int:
    """Counts the validations after the best one.

    Args:
        best_step: Step of the best checkpoint; None before there is one, when nothing is counted.
        step: Steps done.
        validate_every: Steps between validations.
    """
    if best_step is None or not validate_every:
        return 0
    return max(0, step // validate_every - best_step // validate_every)
