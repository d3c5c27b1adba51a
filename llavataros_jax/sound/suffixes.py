"""Endings of files that hold sound."""

# Where there are several of a kind, the first counts: a recording made for its sound goes before a
# film of the same name. Which library reads a file is decided by its content, not by these.
AUDIO_SUFFIXES = (
    *(".wav", ".flac", ".ogg", ".mp3"),
    *(".wave", ".rf64", ".w64", ".aiff", ".aif", ".aifc", ".caf", ".au", ".snd", ".wv", ".tta"),
    *(".m4a", ".m4b", ".aac", ".opus", ".oga", ".mka", ".weba", ".mp2", ".ac3", ".wma", ".amr"),
    *(".3gp", ".3g2", ".mkv", ".webm", ".mov", ".mp4", ".m4v", ".avi", ".mpg", ".mpeg", ".mts"),
    *(".flv", ".wmv", ".ogv"),
)
