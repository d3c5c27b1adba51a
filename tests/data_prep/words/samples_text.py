"""The same three words in each form of text, after what the tools document."""

import json

from tests.data_prep.words.samples_json import WORDS, rows


def lines(pattern, separator="\n"):
    return separator.join(
        pattern.format(
            w=w, a=a, b=b, d=b - a, A=f"{a:.3f}".replace(".", ","), B=f"{b:.3f}".replace(".", ","),
            ta=round(a * 1e7), tb=round(b * 1e7), ma=round(a * 1e3), mb=round(b * 1e3),
        )
        for w, a, b in WORDS
    ) + "\n"  # fmt: skip


TEXT = {
    "json lines.json": "\n".join(
        json.dumps({"result": [row]}) for row in rows("word", "start", "end")
    ),
    "json lines under a wrong name.txt": json.dumps(rows("word", "start", "end")),
    "pretty printed.json": "".join(
        json.dumps({"result": [row], "text": ""}, indent=2) for row in rows("word", "start", "end")
    ) + '{"partial": ""}',
    "srt.srt": lines("1\n00:00:0{A} --> 00:00:0{B}\n{w}\n"),
    "srt without empty lines.srt": lines("1\n00:00:0{A} --> 00:00:0{B}\n{w}"),
    "srt with tags.txt": lines(
        "7\n00:00:0{a:.3f} --> 00:00:0{b:.3f} X1:0\n{{\\an8}}<i>- {w}</i> [laughs]\n"
    ),
    "vtt.vtt": "WEBVTT - a\n\nNOTE x\n\nSTYLE\n::cue {}\n\n"
    + lines("id\n00:0{a:.3f} --> 00:0{b:.3f} align:start\n<v Anna>{w}</v>\n"),
    "vtt by the word.vtt": "WEBVTT\n\n00:00.100 --> 00:01.400\nhello<00:00.500><c> </c>"
    "<00:00.600><c>big</c><00:00.900><c> </c><00:01.000><c>world</c>\n",
    "whisper underlines.srt": "".join(
        f"{n}\n00:00:0{a:.3f} --> 00:00:0{b:.3f}\n"
        + " ".join(f"<u>{w}</u>" if w == word else w for w, _, _ in WORDS)
        + "\n\n"
        for n, (word, a, b) in enumerate(WORDS, 1)
    ),
    "sbv.sbv": lines("0:00:0{a:.3f},0:00:0{b:.3f}\n{w}\n"),
    "karaoke.ass": "[Script Info]\nTitle: x\n\n[Events]\nFormat: Layer, Start, End, Style, Name, "
    "MarginL, MarginR, MarginV, Effect, Text\nDialogue: 0,0:00:00.10,0:00:01.40,D,,0,0,0,,"
    "{\\k20}hel{\\k20}lo{\\k10} {\\k30}big{\\k10} {\\kf40}world\n",
    "cues.ass": "[Script Info]\n\n[Events]\nFormat: Layer, Start, End, Style, Name, MarginL, "
    "MarginR, MarginV, Effect, Text\n"
    + lines("Dialogue: 0,0:00:0{a:.2f},0:00:0{b:.2f},D,,0,0,0,,{{\\i1}}{w}"),
    "lyrics.lrc": "[ar:x]\n[00:00.10]<00:00.10>hello<00:00.50> <00:00.60>big<00:00.90> "
    "<00:01.00>world<00:01.40>\n",
    "audacity.txt": lines("{a:.6f}\t{b:.6f}\t{w}"),
    "audacity with frequencies.txt": lines("{a:.6f}\t{b:.6f}\t{w}\n\\\t100.0\t200.0"),
    "audacity with commas.txt": lines("{A}\t{B}\t{w}"),
    "labels in ticks.lab": lines("{ta} {tb} {w}"),
    "genea.tsv": lines("{a}\t{b}\t{w}"),
    "whisper.tsv": "start\tend\ttext\n" + lines("{ma}\t{mb}\t{w}"),
    "order.csv": "word,start,end\n" + lines("{w},{a},{b}"),
    "other order.csv": "Begin,Confidence,End,Label\n" + lines("{a},0.9,{b},{w}"),
    "semicolons.csv": "start;end;word\n" + lines("{A};{B};{w}"),
    "quoted.csv": '"Start","End","Text"\n' + lines('"{a}","{b}","{w}"'),
    "milliseconds.csv": "start_ms,end_ms,word\n" + lines("{ma},{mb},{w}"),
    "clock.csv": "word,start,end\n" + lines("{w},00:00:0{a:.3f},00:00:0{b:.3f}"),
    "duration.csv": "onset,duration,word\n" + lines("{a},{d},{w}"),
    "no header.csv": lines("{a},{b},{w}"),
    "no header either.csv": lines("{w},{a},{b}"),
    "no header at all.csv": lines("{A};{B};{w}"),
    "columns.tsv": "word\tbegin\tend\n" + lines("{w}\t{a}\t{b}"),
    "mfa.csv": "Begin,End,Label,Type,Speaker\n"
    + lines("{a},{b},{w},words,anna\n{a},{b},x,phones,anna"),
    "elan.txt": "Begin Time - hh:mm:ss.ms\tEnd Time - hh:mm:ss.ms\tanna\n"
    + lines("00:00:0{a:.3f}\t00:00:0{b:.3f}\t{w}"),
    "nist.ctm": lines("nist 1 {a} {d} {w} 0.9"),
    "nist under another name.txt": lines("take_1 A {a} {d} {w}"),
    "nist.stm": ";; made by hand\n" + lines("nist 1 anna {a} {b} <o,f0,female> {w}"),
}  # fmt: skip
