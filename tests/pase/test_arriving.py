"""Steps of sound as it arrives against those of the whole."""

import numpy as np
import pytest

from llavataros_jax.pase.arriving import StepEncoder
from llavataros_jax.pase.stream import encode_steps
from tests.pase.seeded import noise, seeded_params


@pytest.mark.slow
@pytest.mark.parametrize("num_samples", [8000, 7999, 300])
def test_steps_are_those_of_the_whole_as_soon_as_their_sound_is_there(num_samples):
    sound, encoder, found = noise(num_samples), StepEncoder(seeded_params()), []
    (expected,) = encode_steps(sound, seeded_params())
    for piece in np.array_split(sound, 25):
        encoder.hear(piece)
        while encoder.num_steps - encoder.steps_taken >= 4:
            assert 160 * (encoder.steps_taken + 3) + 1336 <= encoder.num_samples
            found.append(encoder.take(4))
    encoder.end()
    while left := encoder.num_steps - encoder.steps_taken:
        found.append(encoder.take(min(4, left), size=4))
    np.testing.assert_allclose(np.concatenate(found), expected, rtol=0, atol=1e-5)


@pytest.mark.slow
def test_what_is_forgotten_was_never_heard():
    sound, encoder = noise(6000), StepEncoder(seeded_params())
    encoder.hear(sound)
    found = [encoder.take(4) for _ in range(4)]
    encoder.forget_from(3200)
    encoder.hear(sound[:2000])
    assert encoder.num_samples == 5200
    encoder.end()
    found += [encoder.take(4), encoder.take(4), encoder.take(4), encoder.take(4)]
    (expected,) = encode_steps(np.concatenate([sound[:3200], sound[:2000]]), seeded_params())
    # Up to 83 ms before the cut, steps had heard what was forgotten.
    np.testing.assert_allclose(np.concatenate(found[:3]), expected[:12], rtol=0, atol=1e-5)
