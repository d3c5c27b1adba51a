"""What a run shows of itself: its loss curves, and where one of its heads looks."""

from pathlib import Path

from llavataros_jax.data.clips import ClipReader
from llavataros_jax.data.segments import speech_of, words_of
from llavataros_jax.errors import UserError
from llavataros_jax.inference.attention_shares import attention_shares, head_entropies, run_to
from llavataros_jax.rendering.attention_map import draw
from llavataros_jax.rendering.plots import plot_losses
from llavataros_jax.report.markup import absent, figure, text
from llavataros_jax.report.themed import themed
from llavataros_jax.trained import TrainedRun

BLOCK = 0


def losses(log: Path) -> str:
    """Returns the loss curves of a run's log as HTML, or why there are none."""
    try:
        svg = themed(lambda path: plot_losses(path, log), label="loss by step of training")
    except UserError as problem:
        return absent("Loss curves", problem)
    return figure(
        svg,
        "<strong>Loss by step.</strong> Training and validation, the validation loss of a held "
        "mean pose and a held still pose, and the terms of the training loss.",
        wide=True,
    )


def attention(run: TrainedRun, reader: ClipReader, clip: str) -> str:
    """Returns where the most decided head looks in the middle of a clip, as HTML."""
    model, params = run.animator.model, run.animator.params
    frames, fps = model.config.segment_frames, run.manifest.fps
    names = [entry.name for entry in reader.clips]
    try:
        if clip not in names:
            raise UserError(f"the records have no clip {clip}")
        arrays = reader[names.index(clip)]
        speech = speech_of(arrays)
        segments = len(speech.word_index) // frames
        if not segments or not model.config.self_blocks:
            raise UserError(f"clip {clip} is shorter than a segment, or there is no self block")
        segment = segments // 2
        before, after = run_to(model, params, speech, segment)
        shares, _ = attention_shares(model, params, before, after, block=BLOCK)
    except UserError as problem:
        return absent("Attention", problem)
    entropies = head_entropies(shares)
    head = int(entropies.argmin())
    svg = themed(
        lambda path: draw(
            path,
            shares[0, head],
            first_seconds=segment * frames / fps,
            fps=fps,
            words=words_of(arrays),
            title="",
        ),
        label=f"attention of block {BLOCK}, head {head}",
    )
    return figure(
        svg,
        f"<strong>Where a head looks.</strong> Clip {text(clip)}, self block {BLOCK}, head {head}, "
        f"the most decided one ({entropies[head]:.2f} nats of entropy a frame): each row is a "
        "frame of a segment, darker where it looks in that segment and in the memory before it.",
        wide=True,
    )
