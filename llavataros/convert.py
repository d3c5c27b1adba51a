"""Motion in one form becomes another: files that open where people work."""

import argparse
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from data_prep.machine.fingerprint import file_hash
from llavataros.form_table import FORMS, Form, FormOptions
from llavataros.motion_files import CONVERTED_BY, MOTION_FILE_SUFFIXES, read_motion_file
from llavataros.written_files import WrittenFiles
from llavataros_jax.errors import ExhaustedError, UserError, door
from llavataros_jax.motion.motion import Motion
from llavataros_jax.motion.resampling import resample
from llavataros_jax.rig.bvh_names import NAMES
from llavataros_jax.rig.character import Character, read_character
from llavataros_jax.rig.onto import put_onto

PROGRAM = CONVERTED_BY
EPILOG = """\
  {prog} talk.npy --to vrma                     an animation for any VRM avatar
  {prog} talk.npy --to bvh --names rokoko       Blender maps it by itself
  {prog} takes/*.bvh --to glb --out glb         many at once
  {prog} talk.npy --to smplx --out talk.npz     for SMPL-X tools
  {prog} talk.vrma --onto avatar.glb            on a character's own skeleton

Read: {read}.

Written:
{forms}

Every file goes beside its motion unless --out says where, and a record of what was done beside it
(NAME.SUFFIX.json). A file that this program did not write is never replaced. An upper body gets
the legs, neck and head that a form asks for, standing still. --names gives the joints of .bvh,
.glb and USD other names, and the rest pose of a T-pose with no joint turned: mixamo
(mixamorig:Hips …), rokoko (Hips, Spine, LeftArm …) or vrm (hips, spine, leftUpperArm …).
Joints whose offsets move, as the shoulders of AvatarOS, keep them in .glb, .bvh and USD under their
own names; elsewhere collar bones turn in their stead, which leaves some millimetres.
"""


@dataclass(frozen=True)
class _Wish:
    """What is wanted of each motion.

    Attributes:
        form: The form, or None for a character that moves.
        suffix: Of the files.
        options: How the form is written.
        character: Whose skeleton shall move.
        replace_animations: Leave out what the character does by itself.
    """

    form: Form | None
    suffix: str
    options: FormOptions
    character: Character | None = None
    replace_animations: bool = False

    def write(self, path: Path, motion: Motion, name: str) -> tuple[str, ...]:
        """Writes a motion and returns what the user should know."""
        if self.form is None:
            assert self.character is not None
            replace = self.replace_animations
            return put_onto(motion, self.character, path, name=name, replace_animations=replace)
        return self.form.write(path, motion, name, self.options)


@door
def main(arguments: Sequence[str] | None = None, *, prog: str = PROGRAM) -> int:
    """Reads the command line and converts."""
    given = build_parser(prog).parse_args(arguments)
    sources = [Path(name).expanduser() for name in given.motions]
    wish = _wish(given)
    places = _places(given, sources, wish)
    failed = 0
    for source, files in zip(sources, places, strict=True):
        try:
            _convert(given, source, files, wish)
        except ExhaustedError:
            raise
        except UserError as refusal:
            if len(sources) == 1:
                raise
            failed += 1
            print(f"error: {refusal}", file=sys.stderr)
    if failed:
        raise UserError(
            f"{failed} of {len(sources)} motions could not be converted; each is named above"
        )
    return 0


def _wish(given: argparse.Namespace) -> _Wish:
    """Reads what is wanted.

    Raises:
        UserError: When it contradicts itself, or the character cannot be used.
    """
    if given.fps is not None and not 0 < given.fps <= 1000:
        raise UserError(f"--fps {given.fps:g} is no rate; give frames per second, such as 30")
    name = given.to or _form_of(given)
    options = FormOptions(given.names or "own", not given.no_body)
    if given.onto:
        if given.to or given.names or given.no_body:
            option = "--to" if given.to else "--names" if given.names else "--no-body"
            raise UserError(
                f"--onto writes the character as .glb, with its own names and body, so {option} "
                "cannot be given too; leave it out"
            )
        character = read_character(given.onto, name=given.character)
        return _Wish(None, ".glb", options, character, given.replace_animations)
    if given.character or given.replace_animations:
        option = "--character" if given.character else "--replace-animations"
        raise UserError(f"{option} is about the character of --onto; give both or neither")
    if name is None:
        raise UserError(f"no form is named; give --to with one of {', '.join(FORMS)}")
    form = FORMS[name]
    if not form.has_names and (given.names or given.no_body):
        option = "--names" if given.names else "--no-body"
        raise UserError(f"{option} has no meaning for --to {name}, which has none; leave it out")
    return _Wish(form, form.suffix, options)


def _form_of(given: argparse.Namespace) -> str | None:
    """Returns the form that the name of the output tells, if it tells one."""
    if given.out is None:
        return None
    ending = Path(given.out).suffix.lower()
    return next((name for name, form in FORMS.items() if form.suffix == ending), None)


def _places(given: argparse.Namespace, sources: Sequence[Path], wish: _Wish) -> list[WrittenFiles]:
    """Returns where each motion goes.

    Raises:
        UserError: When two would go to one place, or one onto its own source.
    """
    ending = re.sub(r"^[^.]*", "", wish.suffix)  # .npz of _smplx.npz
    out = None if given.out is None else Path(given.out).expanduser()
    is_file = out is not None and bool(out.suffix) and not out.is_dir()
    if out is not None and is_file:
        if out.suffix.lower() != ending:
            raise UserError(f"--out {out} does not end in {ending}; name it so, or name a folder")
        if len(sources) > 1:
            raise UserError(
                f"--out {out} is one file for {len(sources)} motions; name a folder instead"
            )
    found: dict[Path, Path] = {}
    places = []
    for source in sources:
        if out is not None and is_file:
            folder, stem, suffix = out.parent, out.stem, out.suffix
        else:
            folder, stem, suffix = out or source.parent, source.stem, wish.suffix
        files = WrittenFiles(folder, stem, (suffix,), f"{suffix}.json", PROGRAM)
        path = files.path(suffix)
        if path in found:
            raise UserError(
                f"{found[path]} and {source} would both become {path}; convert one "
                "into another --out"
            )
        if path.resolve() == source.resolve():
            raise UserError(f"{source} would be replaced by itself; give another --out")
        found[path] = source
        places.append(files)
    return places


def _convert(given: argparse.Namespace, source: Path, files: WrittenFiles, wish: _Wish) -> None:
    motion, notes = read_motion_file(source, fps=given.source_fps, option="--source-fps")
    motion = motion if given.fps is None else resample(motion, given.fps)
    files.check()
    files.folder.mkdir(parents=True, exist_ok=True)
    path = files.paths[0]
    files.begin()
    try:
        notes = (*notes, *wish.write(path, motion, source.stem))
    except BaseException:
        if not path.exists():  # nothing is there that the record would tell of
            files.record.unlink(missing_ok=True)
        raise
    facts = {
        "source": str(source),
        "source_blake2b": file_hash(source),
        "arguments": {k: v for k, v in vars(given).items() if v not in (None, False)},
        "frames": motion.num_frames,
        "fps": motion.fps,
        "notes": list(notes),
    }
    files.finish(facts)
    for note in notes:
        print(f"note: {source}: {note}")
    print(f"wrote {path}: {motion.num_frames} frames at {motion.fps:g} fps of {source}")


def build_parser(prog: str = PROGRAM) -> argparse.ArgumentParser:
    """Returns the command line, as the program `prog` has it."""
    width = max(map(len, FORMS))
    forms = (f"  {n.ljust(width)}  NAME{f.suffix.ljust(11)} {f.about}" for n, f in FORMS.items())
    parser = argparse.ArgumentParser(
        prog=prog,
        description=__doc__,
        epilog=EPILOG.format(
            prog=prog, read=", ".join(MOTION_FILE_SUFFIXES), forms="\n".join(forms)
        ),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("motions", nargs="+", metavar="MOTION", help="motion files")
    parser.add_argument(
        "--to", choices=tuple(FORMS), metavar="FORM", help="which form; --out FILE may tell it too"
    )
    parser.add_argument("--out", metavar="PATH", help="folder, or for one motion a file")
    parser.add_argument(
        "--names", choices=NAMES[1:], help="call joints as these tools do, on a whole body"
    )
    parser.add_argument("--fps", type=float, metavar="RATE", help="resample to this rate")
    parser.add_argument(
        "--source-fps", type=float, metavar="RATE", help="rate of the motions, before what they say"
    )
    parser.add_argument(
        "--no-body", action="store_true", help="write skeletons without a person around them"
    )
    parser.add_argument(
        "--onto",
        metavar="CHARACTER",
        help="a .glb, .gltf or .vrm whose own skeleton shall move so; written as .glb",
    )
    parser.add_argument(
        "--character", metavar="NAME", help="which one, where the file of --onto has several"
    )
    parser.add_argument(
        "--replace-animations",
        action="store_true",
        help="leave out the animations that the character comes with",
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
