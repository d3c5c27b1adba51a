"""Distances between the distribution of a motion's frames and that of the recorded motion's."""

from llavataros_jax.evaluation.frechet import frechet_measure, poses, velocities
from llavataros_jax.evaluation.measure import Measure

FD_G = frechet_measure(
    "fd_g_metres2",
    "FD_g, poses (m²)",
    poses,
    says="How far the cloud of poses is from the recorded one; a pose that is held loses by the "
    "variance that it lacks, and timing does not matter.",
    source="Fréchet distance on geometry, Ng et al. 2024 (audio2photoreal), here of world "
    "positions",
)
FD_K = frechet_measure(
    "fd_k_metres2_per_second2",
    "FD_k, velocities (m²/s²)",
    velocities,
    says="How far the cloud of velocities is from the recorded one, so that both too little and "
    "too much movement lose.",
    source="Fréchet distance on kinetics, Ng et al. 2024 (audio2photoreal) and LLAniMAtion, here "
    "of world positions and per second",
)

DISTRIBUTION: tuple[Measure, ...] = (FD_G, FD_K)
