"""Manifests of clips that are nowhere."""

from collections.abc import Collection, Sequence

from llavataros_jax.data.manifest import ClipEntry, Manifest


def manifest_of(
    clips: Sequence[tuple[str, str]], held_out: Collection[str], tails: Collection[str] = ()
) -> Manifest:
    """Returns a manifest of clips, each a name and a take; takes in `tails` are in both splits."""

    def entry(name: str, take: str, split: str) -> ClipEntry:
        return ClipEntry(
            name, take, split, "shard", 0, f"{name}.flac", 0, 90, 3, 0, -1, 3.0, "hash"
        )

    entries = [entry(n, t, "validation" if t in held_out else "train") for n, t in clips]
    entries += [entry(f"{n}_end", t, "validation") for n, t in clips if t in tails]
    return Manifest("set", 30, (), {}, ("ada",), {}, {}, tuple(entries))
