"""Recordings in any layout: two patterns say which sound belongs to which motion."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from data_prep.clips.clip import Clip
from data_prep.sources.files import (
    TRANSCRIPT_SUFFIXES,
    WORDS_SUFFIXES,
    Files,
    files_beside,
    find_speech,
    walk,
    words_files,
)
from data_prep.sources.lookalikes import lookalike
from data_prep.sources.recordings import Recordings, speaker_of, take_of, with_table
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError

FIELDS = ("name", "speaker", "take")
_TOKENS = re.compile(r"\{(?P<field>[^{}]*)\}|(?P<any>\*\*/)|(?P<part>\*)|(?P<one>\?)|(?P<other>.)")

Key = tuple[str, ...]


@dataclass(frozen=True)
class Pattern:
    """A glob pattern whose variable parts tell which files belong together.

    Attributes:
        option: The option that it comes from, for messages.
        text: What the user wrote.
        root: Folder above its first variable part.
        matcher: Matches paths below `root`.
        fields: Names of its `{name}`-like parts, in their order; empty when it has none.
    """

    option: str
    text: str
    root: Path
    matcher: re.Pattern[str]
    fields: tuple[str, ...]

    def files(self, excluded: Path, skipped: dict[str, str]) -> dict[Key, list[Path]]:
        """Finds the files that match, by the variable parts that tell them apart.

        What is left out although it matches is added to `skipped`.
        """
        found: dict[Key, list[Path]] = {}
        if self.root.is_dir():
            left_out: dict[str, str] = {}
            for path in walk(self.root, excluded=excluded, skipped=left_out):
                match = self.matcher.fullmatch(path.relative_to(self.root).as_posix())
                if match:
                    values = match.groupdict()
                    key = tuple(values[field] for field in sorted(values)) or match.groups()
                    found.setdefault(key, []).append(path)
            matching = {name for name in left_out if self.matcher.fullmatch(name)}
            skipped |= {name: left_out[name] for name in sorted(matching)}
        if not found:
            raise UserError(
                f"{self.option}={self.text} matches no file below {self.root}; correct the pattern "
                "or data.folder"
            )
        return found


def find_clips(data: DataConfig) -> Recordings:
    """Pairs the files of `data.audio_glob`, `data.motion_glob` and `data.words_glob`.

    `*` stands for any part of a name, `**/` for any folders, `?` for a letter. Files belong
    together when their variable parts are equal: the fields `{name}`, `{speaker}` and `{take}`
    where there are any, else all wildcards in their order. Without `data.words_glob`, words are
    looked for in `data.words_folder` and beside the sound.

    Raises:
        UserError: When a pattern is malformed, matches nothing or does not go with the others.
    """
    assert data.audio_glob is not None, "DataConfig asks for both patterns"
    assert data.motion_glob is not None
    texts = {"audio": data.audio_glob, "motion": data.motion_glob, "words": data.words_glob}
    patterns = {
        kind: compile_pattern(f"data.{kind}_glob", text, Path(data.folder))
        for kind, text in texts.items()
        if text is not None
    }
    _check_alike(patterns.values())
    skipped: dict[str, str] = {}
    excluded = Path(data.records)
    found = {kind: pattern.files(excluded, skipped) for kind, pattern in patterns.items()}
    if "words" in found:
        found["words"] = {key: _real_words(paths) for key, paths in found["words"].items()}
    outside = words_files(data.words_folder)
    fields = tuple(sorted(patterns["audio"].fields))
    names = _names(found["audio"], fields)
    clips: dict[str, Clip] = {}
    problems: dict[str, str] = {}
    for key, name in names.items():
        several = [
            (kind, files[key]) for kind, files in found.items() if len(files.get(key, ())) > 1
        ]
        if several:
            kind, paths = several[0]
            problems[name] = (
                f"data.{kind}_glob={patterns[kind].text} matches {paths[0]} and {paths[1]} for "
                f"the clip {name}; make the pattern tell them apart"
            )
            continue
        audio = found["audio"][key][0]
        if "words" in patterns:
            places = [{path.suffix.lower(): path for path in found["words"].get(key, ())}]
            _check_words(places[0], patterns["words"])
        else:
            places = [outside.get(audio.stem, {}), files_beside(audio)]
        speech = find_speech(places)
        values = dict(zip(fields, key, strict=True)) if fields else {}
        clips[name] = Clip(
            name=name,
            take=values.get("take") or take_of(name),
            speaker=speaker_of(name, values.get("speaker")),
            audio=audio,
            motion=next(iter(found["motion"].get(key, ())), None),
            words=speech.words,
            transcript=speech.transcript,
            notes=speech.notes,
        )
    for key, paths in found["motion"].items():
        if key not in names:
            known = paths[0].stem in clips
            skipped[str(paths[0]) if known else paths[0].stem] = (
                f"motion {paths[0]} has no audio by data.audio_glob={patterns['audio'].text}"
            )
    return with_table(clips, data, skipped=skipped, problems=problems)


def compile_pattern(option: str, text: str, folder: Path) -> Pattern:
    """Turns a pattern, relative to `folder` or absolute, into one that matches paths.

    Raises:
        UserError: When it has no variable part, or an unknown one.
    """
    variable = re.search(r"[*?{]", text)
    if variable is None:
        raise UserError(
            f"{option}={text} has no variable part; write one such as wav/{{name}}.wav or wav/*.wav"
        )
    split = text.rfind("/", 0, variable.start()) + 1
    expression, fields = "", []
    for token in _TOKENS.finditer(text[split:]):
        field = token["field"]
        if field is not None and field not in FIELDS:
            known = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise UserError(f"{option}={text} has the field {{{field}}}; known ones are {known}")
        if field is not None and field in fields:
            expression += f"(?P={field})"
        elif field is not None:
            fields.append(field)
            expression += f"(?P<{field}>[^/]+)"
        elif token["any"]:
            expression += "((?:[^/]+/)*)"
        elif token["part"]:
            expression += "([^/]*)"
        elif token["one"]:
            expression += "([^/])"
        else:
            expression += re.escape(token["other"])
    root = folder / text[:split]
    return Pattern(option, text, root, re.compile(expression), tuple(fields))


def _check_alike(patterns: Iterable[Pattern]) -> None:
    """Refuses patterns whose variable parts cannot be compared."""
    first, *others = patterns
    for other in others:
        alike = (
            set(first.fields) == set(other.fields)
            if first.fields or other.fields
            else first.matcher.groups == other.matcher.groups
        )
        if not alike:
            raise UserError(
                f"{first.option}={first.text} and {other.option}={other.text} have other variable "
                "parts; give both the same fields, such as {name}, or as many wildcards"
            )


def _names(keys: Iterable[Key], fields: tuple[str, ...]) -> dict[Key, str]:
    """Names each clip by `{name}` if that is enough to tell it from the others, else by all."""
    keys = list(keys)
    short = {key: key[fields.index("name")] if "name" in fields else "" for key in keys}
    counts = list(short.values())
    return {
        key: short[key]
        if short[key] and counts.count(short[key]) == 1
        else "/".join(part.strip("/") for part in key if part.strip("/"))
        for key in keys
    }


def _real_words(paths: list[Path]) -> list[Path]:
    """Leaves out what only looks like words, where there is something else."""
    return [path for path in paths if lookalike(path) is None] or paths


def _check_words(files: Files, pattern: Pattern) -> None:
    known = (*WORDS_SUFFIXES, *TRANSCRIPT_SUFFIXES)
    for suffix, path in files.items():
        if suffix not in known:
            raise UserError(
                f"{pattern.option}={pattern.text} matches {path}, which is no file of words; known "
                f"kinds are {', '.join(known)}"
            )
