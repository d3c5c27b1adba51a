"""PASE+ of sound that arrives against the file's, with weights drawn by rule."""

import numpy as np
import pytest
import soundfile

from data_prep.arriving.hearing import Hearing
from data_prep.sound.features import audio_features
from llavataros_jax.config.file import config_from_dict
from tests.data_prep.arriving.spoken_file import sound, take_all
from tests.pase.seeded import seeded_tensors

SECONDS = 0.71


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "delay_seconds"), [("context", 0.104), ("isolated", 0.034)])
@pytest.mark.parametrize("samples", [round(SECONDS * 16000), 500])
def test_frames_are_the_files(tmp_path, mode, delay_seconds, samples):
    checkpoint, audio = tmp_path / "seeded.npz", tmp_path / "a.wav"
    np.savez(checkpoint, **seeded_tensors())  # pyright: ignore[reportArgumentType]
    config = config_from_dict(
        {
            "audio": {"kind": "pase", "pase": str(checkpoint), "pase_mode": mode},
            "text": {"kind": "hashed", "size": 12},
        }
    )
    voice = sound(16000)[:samples]
    soundfile.write(audio, voice, 16000, subtype="FLOAT")
    expected = audio_features(audio, round(samples / 16000 * 30), config.audio, 30)
    hearing, heard = Hearing(config, words="untimed"), []
    for piece in np.array_split(voice, 40):
        hearing.hear(piece, 16000)
        heard += take_all(hearing)
        late = hearing.seconds_heard - hearing.frames_taken / 30
        assert late <= delay_seconds + 1 / 60 or hearing.frames_taken == len(expected)
    hearing.end()
    found = np.concatenate([part.audio for part in heard + take_all(hearing)])
    assert len(found) == len(expected)
    # Of float16 the last bit alone may differ.
    np.testing.assert_allclose(found.astype(float), expected, rtol=1.1e-3, atol=3e-5)


@pytest.mark.slow
def test_what_was_dropped_was_never_there(tmp_path):
    checkpoint = tmp_path / "seeded.npz"
    np.savez(checkpoint, **seeded_tensors())  # pyright: ignore[reportArgumentType]
    for mode in ("context", "isolated"):
        audio = {"kind": "pase", "pase": str(checkpoint), "pase_mode": mode}
        hearing = Hearing(config_from_dict({"audio": audio, "text": {"kind": "hashed"}}))
        hearing.hear(sound(16000)[:8000], 16000)
        hearing.take(5)
        hearing.drop()
        assert (hearing.frames_ready, hearing.seconds_heard) == (0, 5 / 30)
        hearing.hear(sound(16000)[8000:12000], 16000)
        hearing.end()
        found = hearing.take(100)
        assert len(found) == round((5 / 30 + 0.25) * 30) - 5
        assert np.isfinite(found.audio).all()
