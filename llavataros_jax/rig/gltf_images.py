"""Images that a glTF file has in files beside it."""

from llavataros_jax.errors import UserError
from llavataros_jax.rig.gltf_file import GltfFile, listed
from llavataros_jax.rig.gltf_links import linked_bytes

_IMAGES = (
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/ktx2", b"\xabKTX 20\xbb"),
)


def linked_images(file: GltfFile) -> dict[int, bytes]:
    """Returns the bytes of the images that lie beside a file, by their number.

    Raises:
        UserError: When one is not there, is no image, or lies elsewhere.
    """
    found = {}
    for number, image in enumerate(listed(file.tree, "images", file.path)):
        uri = image.get("uri")
        if uri is None or (isinstance(uri, str) and uri[:5].lower() == "data:"):
            continue
        what = f"image {number}"
        found[number] = linked_bytes(uri, what=what, path=file.path)
        if image_type(found[number]) is None:
            raise UserError(
                f"{file.path}: {what} in {uri!r:.80} is no PNG, JPEG, WebP or KTX2; export it again"
            )
    return found


def image_type(content: bytes) -> str | None:
    """Tells an image by its first bytes; None when it is none that glTF or its extensions know."""
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for kind, start in _IMAGES if content.startswith(start)), None)
