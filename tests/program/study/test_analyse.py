"""The analysis of participants' CSVs: its numbers, whom it drops, and what it refuses."""

import csv
import json
from pathlib import Path

import pytest
from scipy.stats import binomtest

from llavataros.study.__main__ import main
from llavataros.study.answers import COLUMNS
from tests.program.study.sheets import check, row, write

QUICK = ["--resamples", "20"]


def _refused(capsys, *arguments: object) -> str:
    assert main(["analyse", *map(str, arguments)]) == 2
    said = capsys.readouterr().err
    assert said.startswith("error: ")
    assert said.count("\n") == 1
    return said


def _results(folder: Path, *arguments: object) -> dict:
    assert main(["analyse", *map(str, arguments), "--out", str(folder), *QUICK]) == 0
    return json.loads((folder / "results.json").read_text())


def test_wins_ties_and_sides_are_counted(tmp_path, capsys):
    answers = ["left"] * 5 + ["right"] * 2 + ["tie"] * 3
    rows = [row(clip=f"c{n}", answer=given) for n, given in enumerate(answers)]
    # Shown the other way round, right is for the first.
    rows += [row(clip=f"d{n}", left="two", right="one", answer="right") for n in range(3)]
    results = _results(tmp_path / "out", write(tmp_path / "p1.csv", rows))
    (pair,) = results["shares"]
    assert (pair["first"], pair["second"]) == ("one", "two")
    assert (pair["wins"], pair["losses"], pair["ties"]) == (8, 2, 3)
    assert pair["share"] == pytest.approx(9.5 / 13)
    assert pair["p"] == pair["p_holm"] == pytest.approx(binomtest(8, 10).pvalue)
    assert (results["sides"]["wins"], results["sides"]["losses"]) == (5, 5)
    assert [each["system"] for each in results["strengths"]] == ["one", "two"]
    told = capsys.readouterr().out
    assert "one over two" in told
    assert "73.1 %" in told
    with (tmp_path / "out" / "results.csv").open() as file:
        table = list(csv.DictReader(file))
    assert [line["measure"] for line in table] == ["win share", "strength", "strength"]
    assert float(table[1]["value"]) == pytest.approx(results["strengths"][0]["strength"])
    assert float(table[1]["high"]) == pytest.approx(results["strengths"][0]["high"])
    assert float(table[0]["low"]) == pytest.approx(pair["low"])
    assert table[0]["people_low"] == ""  # one participant has no interval over people
    assert pair["people_low"] is None
    assert (tmp_path / "out" / "results.png").read_bytes().startswith(b"\x89PNG")


def test_ties_can_be_left_out(tmp_path):
    rows = [row(clip=f"c{n}", answer=given) for n, given in enumerate(["left", "tie", "tie"])]
    path = write(tmp_path / "a.csv", rows)
    assert _results(tmp_path / "half", path)["shares"][0]["share"] == pytest.approx(2 / 3)
    assert _results(tmp_path / "out", path, "--ties", "out")["shares"][0]["share"] == 1.0


def test_matched_speech_is_counted_by_system(tmp_path, capsys):
    def judged(system, clip, side, answer):
        speech = {"left_speech": clip, "right_speech": "other"}
        if side == "right":
            speech = {"left_speech": "other", "right_speech": clip}
        return row(
            kind="matching", left=system, right=system, clip=clip, answer=answer, **speech
        )  # fmt: skip

    rows = [judged("real", f"c{n}", ("left", "right")[n % 2], ("left", "right")[n % 2])
            for n in range(12)]  # fmt: skip
    rows += [judged("ours", f"c{n}", "left", ("left", "right", "tie")[n % 3]) for n in range(12)]
    results = _results(tmp_path / "out", write(tmp_path / "a.csv", rows))
    ours, real = results["shares"]
    assert (real["first"], real["wins"], real["losses"], real["ties"]) == ("real", 12, 0, 0)
    assert (ours["first"], ours["wins"], ours["losses"], ours["ties"]) == ("ours", 4, 4, 4)
    assert real["p_holm"] == pytest.approx(2 * binomtest(12, 12).pvalue)
    assert ours["p_holm"] == 1.0
    assert not results["strengths"]
    assert "real" in capsys.readouterr().out


def test_who_fails_an_attention_check_is_dropped_and_named(tmp_path, capsys):
    folder = tmp_path / "answers"
    folder.mkdir()
    write(folder / "a.csv", [row(participant="anna"), check("left", "left", participant="anna")])
    write(
        folder / "b.csv",
        [
            row(participant="bob", answer="right"),
            check("left", "right", participant="bob"),
            check("right", "right", participant="bob"),
        ],
    )
    results = _results(tmp_path / "one", folder)
    assert results["dropped"] == {"bob": [1, 2]}
    assert results["participants"] == {"anna": 1}
    assert results["shares"][0]["wins"] == 1
    told = capsys.readouterr().out
    assert "dropped 1 of 2 participants for failed attention checks: bob (1 of 2)" in told
    results = _results(tmp_path / "two", folder, "--most-failures", 1)
    assert results["participants"] == {"anna": 1, "bob": 1}
    assert results["shares"][0]["losses"] == 1


def test_nobody_left_is_said(tmp_path, capsys):
    path = write(tmp_path / "a.csv", [row(), check("left", "tie")])
    assert "no answer is left of 1 participants, of whom 1 failed" in _refused(capsys, path)


def test_a_file_handed_in_twice_counts_once(tmp_path, capsys):
    for name in ("a.csv", "a (1).csv"):
        write(tmp_path / name, [row()])
    assert main(["analyse", str(tmp_path), *QUICK]) == 0
    told = capsys.readouterr().out
    assert "repeats the answers of p1, counted once" in told
    assert ": 1 answers by 1 participant" in told


def test_two_people_of_one_name_are_refused(tmp_path, capsys):
    write(tmp_path / "a.csv", [row()])
    write(tmp_path / "b.csv", [row(answer="right", left="two", right="one", seconds="3")])
    said = _refused(capsys, tmp_path)
    assert "b.csv: line 2 is a second answer of p1" in said


def test_fewer_answers_are_noted(tmp_path, capsys):
    write(tmp_path / "a.csv", [row(clip="c1"), row(clip="c2")])
    write(tmp_path / "b.csv", [row(participant="p2")])
    assert main(["analyse", str(tmp_path), *QUICK]) == 0
    assert "note: fewer than 2 answers by p2 (1)" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"seconds": "nan"}, "line 2 has 'nan' as seconds, where a number from 0 on is needed"),
        ({"seconds": "soon"}, "line 2 has 'soon' as seconds"),
        ({"answer": "up"}, "line 2 has the answer 'up', which is none of left, tie, right"),
        ({"kind": "taste"}, "line 2 has the kind 'taste'"),
        ({"clip": ""}, "line 2 has no clip"),
        ({"right": "one"}, "line 2 compares one with itself"),
        ({"attention": "down", "passed": "0"}, "line 2 has the attention check 'down'"),
        ({"attention": "left", "passed": "0"}, "line 2 has passed='0', but the answer left"),
        ({"kind": "matching"}, "line 2 shows one beside two, where matching has one system"),
        ({"kind": "matching", "right": "one"}, "line 2 does not have its own speech on exactly"),
    ],
)
def test_malformed_rows_are_refused_with_file_and_line(tmp_path, capsys, changed, message):
    said = _refused(capsys, write(tmp_path / "a.csv", [row(**changed)]))
    assert f"{tmp_path / 'a.csv'}: {message}" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (b"", "a.csv is empty"),
        ((",".join(COLUMNS) + "\r\n").encode(), "a.csv holds no answers below its header"),
        (b"name,age\r\nx,3\r\n", "a.csv is no CSV of a study's page: it has no column study,"),
        ((",".join(COLUMNS) + "\r\ns1,x\r\n").encode(), "a.csv: line 2 has 2 values for 15"),
        (b"\xff\xfe\x00\x01", "a.csv is no text in UTF-8"),
    ],
)
def test_files_that_are_no_answers_are_refused(tmp_path, capsys, text, message):
    (tmp_path / "a.csv").write_bytes(text)
    assert message in _refused(capsys, tmp_path / "a.csv")


def test_missing_files_and_empty_folders_are_refused(tmp_path, capsys):
    assert "no such file or folder" in _refused(capsys, tmp_path / "none.csv")
    assert "holds no .csv file" in _refused(capsys, tmp_path)


def test_answers_to_different_studies_are_refused(tmp_path, capsys):
    write(tmp_path / "a.csv", [row()])
    write(tmp_path / "b.csv", [row(study="s2", participant="p2")])
    said = _refused(capsys, tmp_path)
    assert "b.csv: line 2 is of the preference study s2, but" in said
    assert "s1; analyse each study alone" in said


def test_answers_to_another_study_than_the_one_named_are_refused(tmp_path, capsys):
    path = write(tmp_path / "a.csv", [row()])
    assert "study.json cannot be read" in _refused(capsys, path, "--study", tmp_path)
    (tmp_path / "study.json").write_text('{"study": "s9"}')
    said = _refused(capsys, path, "--study", tmp_path)
    assert "the answers are to the study s1, but" in said
    (tmp_path / "study.json").write_text('{"study": "s1"}')
    assert main(["analyse", str(path), "--study", str(tmp_path), *QUICK]) == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--most-failures", "-1"], "--most-failures is -1"),
        (["--resamples", "-1"], "--resamples is -1"),
        (["--prior-ties", "0"], "--prior-ties is 0, but must be above 0, or 0 with --resamples 0"),
        (["--prior-ties", "nan"], "--prior-ties is nan"),
    ],
)
def test_options_out_of_range_are_refused(tmp_path, capsys, options, message):
    assert message in _refused(capsys, write(tmp_path / "a.csv", [row()]), *options)


def test_a_table_saved_again_by_a_spreadsheet_is_read(tmp_path):
    rows = [row(seconds="7,25", user_agent="X")]
    text = ";".join(COLUMNS) + "\n" + ";".join(rows[0][name] for name in COLUMNS) + "\n"
    (tmp_path / "a.csv").write_text("\ufeff" + text, encoding="utf-8")
    assert _results(tmp_path / "out", tmp_path / "a.csv")["median_seconds"] == 7.25
