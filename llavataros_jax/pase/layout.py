"""What PASE+ is made of: its sizes, its padding, and the names and shapes of its checkpoint.

Source: `PASE+.cfg` and the state dict of `santi-pdp/pase` (PASE specification, sections 1 and 7).
"""

SAMPLE_RATE = 16000
HOP_SAMPLES = 160
STEPS_PER_SECOND = SAMPLE_RATE // HOP_SAMPLES
# Block 7 pads five on its right, and reflection needs an input longer than its padding.
MIN_SAMPLES = 471

KERNELS = (251, 20, 11, 11, 11, 11, 11, 11)
STRIDES = (1, 10, 2, 1, 2, 1, 2, 2)
CHANNELS = (64, 64, 128, 128, 256, 256, 512, 512)
SKIPS = len(CHANNELS) - 1
RECURRENT = 512
FEATURES = 256

# The published checkpoint is known by its git blob id only.
PUBLISHED_NAME = "FE_e199.ckpt"
PUBLISHED_BLOB_ID = "69b2badae5af03bfba20104a1378bef8a36bded4"
COUNTER = "num_batches_tracked"


def padding(kernel: int, stride: int) -> tuple[int, int]:
    """Returns how many samples reflection adds on the left and on the right of a block's input."""
    half = kernel // 2
    if stride == 1 and kernel % 2:
        return half, half
    return half - 1, half


def inputs_of(block: int) -> int:
    """Returns how many channels a block reads."""
    return CHANNELS[block - 1] if block else 1


def checkpoint_shapes() -> dict[str, tuple[int, ...]]:
    """Returns the shapes of the checkpoint's 78 tensors by name, in the file's order.

    All are float32 but the nine counters, whose names end in `num_batches_tracked`: int64, unused.
    """
    shapes: dict[str, tuple[int, ...]] = {}
    for number in range(SKIPS):
        shapes[f"denseskips.{number}.weight"] = (FEATURES, CHANNELS[number], 1)
    for number, (kernel, channels) in enumerate(zip(KERNELS, CHANNELS, strict=True)):
        block = f"blocks.{number}"
        if number == 0:
            shapes[f"{block}.conv.low_hz_"] = shapes[f"{block}.conv.band_hz_"] = (channels, 1)
        else:
            shapes[f"{block}.conv.weight"] = (channels, inputs_of(number), kernel)
            shapes[f"{block}.conv.bias"] = (channels,)
        for name in ("weight", "bias", "running_mean", "running_var"):
            shapes[f"{block}.norm.{name}"] = (channels,)
        shapes[f"{block}.norm.{COUNTER}"] = ()
        shapes[f"{block}.act.weight"] = (channels,)
    shapes["rnn.layers.0.linear.weight"] = (3 * RECURRENT, 2 * CHANNELS[-1])
    shapes["rnn.layers.0.linear.bias"] = (3 * RECURRENT,)
    shapes["W.weight"] = (FEATURES, RECURRENT, 1)
    shapes["W.bias"] = (FEATURES,)
    shapes["norm_out.running_mean"] = shapes["norm_out.running_var"] = (FEATURES,)
    shapes[f"norm_out.{COUNTER}"] = ()
    return shapes
