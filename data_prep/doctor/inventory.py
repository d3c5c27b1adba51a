"""The packages that stages use, what each is for, and the extra that has it."""

from dataclasses import dataclass

from llavataros_jax.packages import install_command

CORE = ""


@dataclass(frozen=True)
class Package:
    """A package that something here uses.

    Attributes:
        module: Its name as it is imported.
        name: Its name as it is installed.
        purpose: What it is for.
        extra: The extra that has it; `CORE` when every install has it.
    """

    module: str
    name: str
    purpose: str
    extra: str

    @property
    def command(self) -> str:
        """What installs it, here and now."""
        return install_command(self.extra) if self.extra else f"install {self.name} again"


PACKAGES = (
    Package("jax", "jax", "training, animation, PASE+", CORE),
    Package("flax", "flax", "training, animation, PASE+", CORE),
    Package("soundfile", "soundfile", "sound files", "prep"),
    Package("soxr", "soxr", "resampling", "prep"),
    Package("librosa", "librosa", "log-mel, prosody", "prep"),
    Package("imageio_ffmpeg", "imageio-ffmpeg", "sound of every container, films", "prep"),
    Package("pocketsphinx", "pocketsphinx", "alignment, rough transcripts", "prep"),
    Package("faster_whisper", "faster-whisper", "transcripts, voice gate", "prep"),
    Package("wordllama", "wordllama", "word vectors", "prep"),
    Package("tokenizers", "tokenizers", "word vectors", "prep"),
    Package("whisper", "openai-whisper", "transcripts by .pt files", "whisper"),
    Package("silero_vad", "silero-vad", "voice gate", "whisper"),
    Package("transformers", "transformers", "language models", "text"),
    Package("torch", "torch", "Whisper, language models", "text"),
    Package("apache_beam", "apache-beam", "many machines", "beam"),
    Package("cv2", "opencv-python-headless", "films", "viz"),
    Package("espeakng_loader", "espeakng-loader", "corpora of speech and gesture", "dev"),
    Package("tensorflow_datasets", "tensorflow-datasets", "TFDS", "tfds"),
)


def what_installs(module: str) -> str:
    """Says what gets a module that a stage could not import."""
    known = {package.module: package for package in PACKAGES}
    command = known[module].command if module in known else install_command("prep")
    return f"needs {module}; install with: {command}"
