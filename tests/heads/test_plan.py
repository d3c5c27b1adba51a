"""What is still to be done for each run."""

from pathlib import Path

import numpy as np

from llavataros.ablation.measurement import write_measured
from llavataros.ablation.parts import Part, option
from llavataros.heads.measurement import identity_of
from llavataros.heads.plan import Plan, plan_trainings
from llavataros.heads.rows import Row, choose_rows
from tests.ablation.manifests import manifest_of
from tests.ablation.test_runs import train


def test_only_what_is_missing_is_done(tmp_path: Path) -> None:
    """The regression is trained and measured, but not enlarged; the flow was broken off."""
    records, embedding = tmp_path / "records", tmp_path / "embedding"
    manifest = manifest_of([("a", "a"), ("b", "b")], held_out={"b"})
    manifest.save(records)
    embedding.write_bytes(b"weights")
    rows = choose_rows("regression,gain,flow-1,flow-2")
    part = Part(records, (option("data.records", records),))
    runs = plan_trainings(
        *(rows, {row.training: part for row in rows}),
        seeds=1,
        config="tiny",
        overrides=(),
        out=tmp_path / "runs",
    )
    plan = Plan(rows, runs, tmp_path, (), 3, embedding, None)

    def measured(row: Row, checkpoint: str) -> None:
        (run,) = runs[row.name]
        identity = identity_of(
            *(checkpoint, run.config()[1].content_hash),
            dials=plan.dials_of(row),
            samples=plan.samples_of(row),
            enlarged=False,
            embedding=embedding,
            alignment=None,
        )
        write_measured(
            plan.measured(row, run), {("real", "x"): {"b": np.ones(2)}}, identity=identity
        )

    def todo() -> list[tuple[str, list[str], int]]:
        return [
            (
                job.name,
                [Path(c[3]).stem if "heads" in c[1] else "train" for c in job.commands],
                job.steps,
            )
            for job in plan.jobs()
        ]

    (tmp_path / "measured").mkdir()
    train(runs["regression"][0], 12)
    train(runs["flow-1"][0], 8)
    for row in rows:
        measured(row, "latest/12")
    expected = [
        ("regression_1", ["gain_1"], 1),
        ("flow_1", ["train", "flow-1_1", "flow-2_1"], 6),
    ]
    assert todo() == expected
    measured(rows[0], "latest/8")
    assert todo()[0] == ("regression_1", ["regression_1", "gain_1"], 2)
    measured(rows[0], "latest/12")
    assert todo() == expected
    embedding.write_bytes(b"others")
    assert todo()[0] == ("regression_1", ["regression_1", "gain_1"], 2)
