"""What training would cost: parameters, arithmetic, memory, input, hours and money, before it."""

import argparse
import json
import math
import sys
from collections.abc import Sequence

from llavataros_jax.errors import UserError, door
from llavataros_jax.training.devices import DEVICES, ComputeType

PROGRAM = "llavataros estimate"
GPUS = tuple(DEVICES)
MEASURED = "measured"
EPILOG = """\
CONFIG is a file or the name of one that comes along. Its records tell the sizes of the features and
how many hours there are; where there are none yet, sizes are assumed and said.

  {prog} own                                    records that were prepared
  {prog} own --hours 20                         before there are any
  {prog} llanimation_plus --gpu h200 --price 4  hours and money on one H200
  {prog} llanimation_plus model.d_model=512 model.heads=16
  {prog} demo --gpu measured                    against a matrix product on this machine
  {prog} demo --products                        the einsum of every product
  {prog} demo --program                         types of every product that a GPU would get
  {prog} --seed-table                           the seed README's arithmetic, put right

FLOP are counted product by product, which a test compares with the traced step and with XLA's own
count; everything else of a step is less than 2 %. Utilisation is an assumption: the share of a
device's peak (data sheets), or of a measured product, that the whole step reaches. `*` marks the
type of model.compute_dtype. Hours are those of one device.
"""


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and prints the estimate."""
    given = build_parser(prog).parse_intermixed_args(arguments)
    if not (0 < given.utilisation <= 100):
        raise UserError(f"--utilisation is {given.utilisation:g}, but must be above 0, at most 100")
    if given.price is not None and not (given.price >= 0 and math.isfinite(given.price)):
        raise UserError(f"--price is {given.price:g}, but must be 0 or more for an hour")
    if given.gpu not in (None, *GPUS, MEASURED):
        raise UserError(f"--gpu {given.gpu} is not known; there are {', '.join(GPUS)}, {MEASURED}")
    share = given.utilisation / 100
    if given.seed_table:
        if given.config is not None:
            raise UserError("--seed-table is about another project's numbers; leave out the config")
        from llavataros.estimate.seed_table import lines_of_seed_table

        print("\n".join(lines_of_seed_table(share)))
        return 0
    if given.config is None:
        raise UserError("give a config, such as own or configs/demo.yaml, or --seed-table")
    # These load JAX, which the questions above do not need.
    from llavataros.estimate.numbers import estimate, on_devices
    from llavataros.estimate.text import lines_of
    from llavataros.estimate.workload import Length, open_workload
    from llavataros_jax.config.file import load_config

    length = Length(hours=given.hours, epochs=given.epochs, steps=given.steps)
    config = load_config(given.config, given.overrides)
    workload = open_workload(config, length, joints=given.joints)
    if given.program:
        from llavataros.estimate.program import print_program

        print_program(workload, as_json=given.json)
        return 0
    counted = estimate(workload)
    compute_dtype = workload.config.model.compute_dtype
    paces, notes = _paces(given.gpu, compute_dtype)
    if given.gpu and (memory := paces[0].memory_bytes):
        from llavataros.estimate.fit import lines_of_fit

        notes = [*lines_of_fit(workload, paces[0].name.split(",")[0], memory), *notes]
    rows = on_devices(counted, paces, utilisation=share, price_per_hour=given.price)
    if given.json:
        told = {**counted, "utilisation": share, "devices": rows, "notes": notes}
        print(json.dumps(told, indent=2, ensure_ascii=False))
        return 0
    of = "a product measured here" if given.gpu == MEASURED else "the peak"
    ceiling = f"One device at {given.utilisation:g} % of {of}, an assumption (--utilisation)"
    title = f"{given.config}: variant {workload.config.model.variant}, " + (
        f"head {workload.config.model.head}, products in {compute_dtype}"
    )
    if given.gpu in GPUS:
        moved, spent = counted["bytes"]["update_traffic"], rows[0]["least_seconds_of_update"]
        notes.append(
            f"An update reads and writes {moved / 1e9:.3g} GB, for which the memory needs "
            f"{1000 * spent:.3g} ms."
        )
    if workload.config.model.remat != "none":
        notes.append(
            "What model.remat computes again is not in the FLOP. On CPUs XLA saves no memory by it."
        )
    if workload.config.loss.contrastive:
        notes.append("The frozen encoder of loss.contrastive is not counted.")
    lines = lines_of(
        counted, rows, title=title, ceiling=ceiling, notes=notes, all_products=given.products
    )
    print("\n".join(lines))
    return 0


def _paces(gpu: str | None, compute_dtype: ComputeType) -> tuple[list, list[str]]:
    """Returns the paces to divide by, and what must be known of them."""
    from llavataros.estimate.numbers import COMPUTE_TYPES, Pace

    if gpu == MEASURED:
        import jax

        from llavataros.estimate.ceiling import measured_flop_per_second

        device = jax.devices()[0]
        limit = (device.memory_stats() or {}).get("bytes_limit")
        pace = full = measured_flop_per_second(compute_dtype)
        if compute_dtype != "float32":
            full = measured_flop_per_second("float32")
        return [Pace(f"{device.device_kind}, {compute_dtype}", pace, full, limit, None, True)], []
    chosen = DEVICES if gpu is None else {gpu: DEVICES[gpu]}
    paces, notes = [], []
    for device in chosen.values():
        for kind in COMPUTE_TYPES if gpu else (compute_dtype,):
            name = f"{device.name}, {kind}"
            peaks = device.flop_per_second[kind], device.flop_per_second["float32"]
            memory = device.memory_bytes, device.bytes_per_second
            paces.append(Pace(name, *peaks, *memory, kind == compute_dtype))
        if gpu:
            notes.append(f"Peaks, memory and bandwidth: {device.source}.")
        if device.note:
            notes.append(f"{device.name}: {device.note}.")
    if not gpu:
        notes.append("--gpu shows one of them with every type of products, and its source.")
    return paces, notes


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG.format(prog=prog),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("config", nargs="?", metavar="CONFIG", help="YAML file, or its name")
    parser.add_argument(
        "overrides", nargs="*", metavar="section.key=value", help="options to change"
    )
    gpus = ", ".join((*GPUS, MEASURED))
    parser.add_argument("--gpu", metavar="NAME", help=f"{gpus}; all but the last by default")
    parser.add_argument(
        "--hours", type=float, help="of training recordings, in place of those of the records"
    )
    parser.add_argument("--epochs", type=float, help="times that they are seen")
    parser.add_argument("--steps", type=int, help="steps, in place of training.steps")
    parser.add_argument("--joints", type=int, help="of the skeleton, where there are no records")
    parser.add_argument(
        "--utilisation",
        type=float,
        default=40.0,
        metavar="PERCENT",
        help="share of the peak that a step reaches; default: %(default)g",
    )
    parser.add_argument("--price", type=float, metavar="PER_HOUR", help="of one device")
    parser.add_argument("--products", action="store_true", help="show every matrix product")
    parser.add_argument(
        "--program", action="store_true", help="the step as a GPU gets it, lowered here"
    )
    parser.add_argument("--json", action="store_true", help="all numbers as JSON")
    parser.add_argument(
        "--seed-table", action="store_true", help="the seed README's arithmetic, and its errors"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
