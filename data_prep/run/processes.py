"""How many processes prepare: as many as pay, and where each loads a model, one for each GPU."""

import os
from collections.abc import Callable, Sequence

from data_prep.align.choice import choose_aligner
from data_prep.clips.clip import Clip
from data_prep.machine.gpus import visible_gpus
from data_prep.words.timed_files import read_timed_text
from llavataros_jax.config import Config, WordsConfig
from llavataros_jax.errors import UserError
from llavataros_jax.sound.reader import read_info

Say = Callable[[str], None]
# A process imports for three seconds, in which so much sound with timed words is prepared.
_SECONDS_EACH = 480.0


def processes_for(clips: Sequence[Clip], config: Config, say: Say) -> int:
    """Returns how many processes are to work on clips; 0 means one for each core.

    A language model, or Whisper on a GPU, would be loaded by each process, and several on one GPU
    run out of its memory. A few minutes of sound whose words are timed are done before a second
    process has started.
    """
    models = []
    if config.text.kind == "language_model":
        models.append(f"text.model={config.text.model}")
    is_whisper = config.words.device != "cpu" and _needs_whisper(clips, config.words)
    if is_whisper:
        models.append(f"words.whisper={config.words.whisper}")
    if not (config.data.workers or models) and config.audio.kind == "mel":
        return _as_many_as_pay(clips, config)
    device = config.words.device if is_whisper else "auto"
    return one_each_gpu(config.data.workers, models, device=device, items=len(clips), say=say)


def one_each_gpu(workers: int, models: Sequence[str], *, device: str, items: int, say: Say) -> int:
    """Returns `workers`, but no more than the GPUs on which each would load the models.

    Args:
        workers: Processes; 0 means one for each core.
        models: What each process would load, as the options that name it.
        device: Where it computes; `cuda:1` is one GPU, which is not shared out.
        items: How much there is to work on; fewer processes than GPUs need no word.
        say: Tells the user when there are fewer than asked for.
    """
    gpus = len(visible_gpus())
    limit = 1 if ":" in device else gpus
    wanted = min(workers or os.cpu_count() or 1, items)
    if not models or not gpus or wanted <= limit:
        return workers
    say(
        f"{limit} of {wanted} processes, one for each GPU (CUDA_VISIBLE_DEVICES says which), "
        f"because each loads {' and '.join(models)}"
    )
    return limit


def _as_many_as_pay(clips: Sequence[Clip], config: Config) -> int:
    """Returns a process for each eight minutes of sound, or 0 where there is more to do than that.

    Sound is added up until there is enough for all cores. Finding out when words are said takes
    many times as long as all else.
    """
    most = min(os.cpu_count() or 1, len(clips))
    seconds = 0.0
    for clip in clips:
        if seconds >= most * _SECONDS_EACH or clip.words is None:
            return 0
        try:
            length = read_info(clip.audio, config.audio.sample_rate).seconds
            timed = read_timed_text(
                clip.words, length, speaker=clip.speaker, tier=config.words.tier
            )
        except UserError:
            continue  # its stages will say it
        if timed.cues:
            return 0
        seconds += length
    return max(1, int(seconds / _SECONDS_EACH))


def _needs_whisper(clips: Sequence[Clip], config: WordsConfig) -> bool:
    """Whether a clip is transcribed, or aligned by Whisper."""
    if config.whisper is None:
        return False
    untimed = [clip for clip in clips if clip.words is None]
    is_heard = any(clip.transcript is None for clip in untimed)
    if is_heard and config.transcriber in ("auto", "whisper"):
        return True
    try:
        return bool(untimed) and choose_aligner(config).name == "whisper"
    except UserError:
        return False  # each clip will say it
