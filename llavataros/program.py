"""The program: `llavataros COMMAND …`, whose commands are loaded when they are asked for."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from llavataros_jax.errors import UserError, door

NAME = "llavataros"


@dataclass(frozen=True)
class Command:
    """One command of the program.

    Attributes:
        module: Where its `main(arguments, prog=…)` and `build_parser(prog)` are.
        summary: What it does, in a line.
    """

    module: str
    summary: str

    def main(self, arguments: Sequence[str], prog: str) -> int:
        """Runs the command."""
        return importlib.import_module(self.module).main(list(arguments), prog=prog)

    def build_parser(self, prog: str) -> argparse.ArgumentParser:
        """Returns the command's own command line."""
        return importlib.import_module(self.module).build_parser(prog)


COMMANDS = {
    "demo": Command("llavataros.demo", "the whole way on a corpus that comes along"),
    "prepare": Command("data_prep.__main__", "a folder of recordings becomes records"),
    "train": Command("llavataros_jax.train", "a model learns from records"),
    "animate": Command("llavataros.animate", "a recording becomes motion and a film"),
    "live": Command(
        "llavataros.live.__main__", "speech moves a character in other programs, live, by VMC"
    ),
    "serve": Command(
        "llavataros.serve.__main__", "live sessions and recordings over WebSocket and HTTP"
    ),
    "evaluate": Command(
        "llavataros_jax.evaluate.__main__", "a run or anybody's motion is measured, with a report"
    ),
    "ablate": Command(
        "llavataros.ablation.__main__", "text, audio or both: variants trained and compared"
    ),
    "heads": Command(
        "llavataros.heads.__main__", "regression, a gain on it and sampled heads: one table"
    ),
    "estimate": Command(
        "llavataros.estimate.__main__", "what training would cost: arithmetic, memory, hours"
    ),
    "study": Command("llavataros.study.__main__", "a study in which people judge motion"),
    "view": Command("llavataros.view.__main__", "motions and their speech as a page for a browser"),
    "convert": Command("llavataros.convert", "motion in one form becomes another"),
    "doctor": Command("data_prep.doctor.checkup", "what is installed and what works here"),
    "transcribe": Command("data_prep.run.transcribe_folder", "recordings written down"),
    "pase": Command("llavataros_jax.pase.__main__", "PASE+ features of a recording"),
    "export": Command("llavataros.export", "a trained run becomes a small folder to send"),
    "attention": Command("llavataros.attention", "a picture of where a head looks"),
    "import-uea": Command("llavataros.import_uea", "the published ancestor becomes a run"),
    "benchmark": Command("llavataros.benchmark.__main__", "our way timed beside the usual one"),
}
# What completes to names of files, by the name of the option or argument.
_FILES = ("config", "audio", "words", "transcript", "features", "interlocutor_audio", "skeleton")
_FILES = (*_FILES, "interlocutor_words", "interlocutor_transcript", "scaler", "checkpoint", "pase")
_FILES = (*_FILES, "embedding", "alignment", "joints", "motions")
_FILES = (*_FILES, "recording", "motion_file", "avatar", "onto")
_FOLDERS = (
    "gestures",
    "out",
    "records",
    "recordings",
    "folder",
    "run",
    "motion",
    "real",
    "start_from",
)


@door
def main(arguments: Sequence[str] | None = None) -> int:
    """Finds the command and gives it the rest of the line."""
    words = list(sys.argv[1:] if arguments is None else arguments)
    if not words or words[0] in ("-h", "--help", "help"):
        if words[1:] and words[1] in COMMANDS:
            return main([words[1], "--help"])
        print(usage())
        return 0
    name, rest = words[0], words[1:]
    if name == "--version":
        from importlib.metadata import version

        print(f"{NAME} {version('llavataros-jax')}")
        return 0
    if name == "--print-completion":
        print(completion(rest[0] if rest else ""))
        return 0
    if name not in COMMANDS:
        import difflib

        close = difflib.get_close_matches(name, COMMANDS, n=1)
        hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(COMMANDS)}"
        raise UserError(f"{NAME} has no command {name!r}; {hint}")
    return COMMANDS[name].main(rest, prog=f"{NAME} {name}")


def usage() -> str:
    """Returns what `--help` says: every command in a line, and how to go on."""
    width = max(map(len, COMMANDS))
    lines = [
        f"usage: {NAME} COMMAND [options] [section.key=value …]",
        "",
        "Speech goes in, body language comes out.",
        "",
        *(f"  {name.ljust(width)}  {command.summary}" for name, command in COMMANDS.items()),
        "",
        "Your own recordings: prepare, train, animate, each with --config own.yaml; start from the",
        "config that comes along by the name `own`. Any option of a config can be changed on the",
        "command line, as in data.folder=recordings.",
        "",
        f"  {NAME} COMMAND --help                 the options of a command",
        f"  {NAME} --version",
        f'  eval "$({NAME} --print-completion bash)"  completion in this shell (or zsh, tcsh)',
    ]
    return "\n".join(lines)


def completion(shell: str) -> str:
    """Returns the script that completes commands, options and files in a shell.

    Raises:
        UserError: When the shell is not known.
    """
    import shtab

    if shell not in shtab.SUPPORTED_SHELLS:
        raise UserError(
            f"--print-completion {shell or 'without a shell'} cannot be done; name one of "
            f"{', '.join(shtab.SUPPORTED_SHELLS)}"
        )
    return shtab.complete(whole_parser(), shell=shell)


def whole_parser() -> argparse.ArgumentParser:
    """Returns all command lines as one parser, for completion."""
    parser = argparse.ArgumentParser(prog=NAME)
    parser.add_argument("--version", action="store_true")
    commands = parser.add_subparsers(dest="command")
    for name, command in COMMANDS.items():
        own = command.build_parser(f"{NAME} {name}")
        own.add_help = False
        child = commands.add_parser(
            name, help=command.summary, parents=[own], conflict_handler="resolve"
        )
        for action in child._actions:  # argparse has no public list of them
            kind = "FILE" if action.dest in _FILES else "DIRECTORY"
            if action.dest in (*_FILES, *_FOLDERS):
                _complete(action, kind)
    return parser


def _complete(action: argparse.Action, kind: str) -> None:
    import shtab

    setter: Callable[..., None] = setattr
    setter(action, "complete", getattr(shtab, kind))


if __name__ == "__main__":
    sys.exit(main())
