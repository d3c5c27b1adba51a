import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from data_prep.records.splits import (
    Performance,
    check_holdout_takes,
    choose_holdout,
    plan_splits,
)
from llavataros_jax.config import DataConfig
from llavataros_jax.errors import UserError


@st.composite
def folders(draw):
    clips = []
    for take in range(draw(st.integers(1, 12))):
        for copy in range(draw(st.integers(1, 3))):
            other = draw(st.none() | st.integers(0, 11))
            frames = draw(st.integers(1, 50))
            partner = None if other is None else f"t{other}"
            clips.append(Performance(f"t{take}_{copy}", f"t{take}", frames, partner))
    return draw(st.permutations(clips))


@settings(max_examples=150, deadline=None)
@given(folders(), st.floats(0, 0.9))
@pytest.mark.slow
def test_takes_never_straddle(clips, fraction):
    cuts = plan_splits(clips, DataConfig(holdout_fraction=fraction))
    assert [cut.name for cut in cuts] == sorted(clip.name for clip in clips)
    split = {cut.clip: cut.split for cut in cuts}
    by_take = {}
    for clip in clips:
        assert by_take.setdefault(clip.take, split[clip.name]) == split[clip.name]
    for clip in clips:
        if clip.interlocutor_take in by_take:
            assert by_take[clip.interlocutor_take] == by_take[clip.take]
    assert "train" in by_take.values()
    if fraction == 0:
        assert "validation" not in by_take.values()
    elif len(by_take) > 1 and not any(clip.interlocutor_take for clip in clips):
        assert "validation" in by_take.values()
        held_out = sum(value == "validation" for value in by_take.values())
        assert held_out == min(max(1, round(fraction * len(by_take))), len(by_take) - 1)
    assert plan_splits(clips[::-1], DataConfig(holdout_fraction=fraction)) == cuts


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(folders(), st.floats(0, 0.9))
def test_tails_share_no_frame_and_lose_none(clips, fraction):
    cuts = plan_splits(clips, DataConfig(holdout="tail", holdout_fraction=fraction))
    assert len({cut.name for cut in cuts}) == len(cuts)
    take_of = {clip.name: clip.take for clip in clips}
    ends = {}
    for clip in clips:
        frames = sorted((c.start_frame, c.stop_frame, c.split) for c in cuts if c.clip == clip.name)
        assert [frame for start, stop, _ in frames for frame in range(start, stop)] == list(
            range(clip.num_frames)
        )
        assert [split for _, _, split in frames] in (["train"], ["train", "validation"])
        if len(frames) == 2:
            assert ends.setdefault(take_of[clip.name], frames[0][1]) == frames[0][1]


def test_one_long_take_gives_its_last_fifth():
    cuts = plan_splits(
        [Performance("a", "a", 100)], DataConfig(holdout="tail", holdout_fraction=0.2)
    )
    assert [(c.name, c.split, c.start_frame, c.stop_frame) for c in cuts] == [
        ("a", "train", 0, 80),
        ("a+tail", "validation", 80, 100),
    ]


def test_named_takes_are_held_out_with_their_partners():
    clips = [
        Performance("a", "t1", 9, "t2"),
        Performance("b", "t2", 9, "t1"),
        Performance("c", "t3", 9),
        Performance("c_mirror", "t3", 9),
    ]
    cuts = plan_splits(clips, DataConfig(holdout_takes=("t1",), holdout_fraction=0))
    assert [cut.split for cut in cuts] == ["validation", "validation", "train", "train"]
    with pytest.raises(UserError, match="nothing is left to train on"):
        plan_splits(clips, DataConfig(holdout_takes=("t1", "t3")))


def test_unknown_takes_are_refused_with_the_nearest():
    with pytest.raises(UserError, match=r"'ada_44'.*did you mean ada_4\?"):
        check_holdout_takes({"ada_4", "ben_4"}, DataConfig(holdout_takes=("ada_44",)))
    with pytest.raises(UserError, match=r"holdout_takes needs data\.holdout=takes"):
        DataConfig(holdout="tail", holdout_takes=("ada_4",))


@pytest.mark.parametrize(
    ("partners", "chosen", "told"),
    [
        ([None] * 4, "tail", "4 takes that share nothing, so the last 10% of each"),
        ([None] * 5, "takes", "5 takes that share nothing, so of them, about 10%"),
        # Two conversations and a take alone.
        (["t1", None, "t3", None, None], "tail", "3 takes"),
        ([None], "tail", "1 take that"),
    ],
)
def test_auto_spares_whole_takes_only_where_there_are_enough(partners, chosen, told):
    clips = [Performance(f"c{n}", f"t{n}", 50, partner) for n, partner in enumerate(partners)]
    data, said = choose_holdout(clips, DataConfig(holdout="auto"))
    assert data.holdout == chosen
    assert told in said
    assert {cut.split for cut in plan_splits(clips, data)} == {"train", "validation"}


def test_auto_leaves_what_the_user_chose():
    clips = [Performance("a", "a", 50), Performance("b", "b", 50)]
    for options in ({"holdout": "tail"}, {"holdout": "takes"}):
        assert choose_holdout(clips, DataConfig(**options)) == (DataConfig(**options), "")
    named = DataConfig(holdout="auto", holdout_takes=("b",))
    data, said = choose_holdout(clips, named)
    assert (data.holdout, data.holdout_takes, said) == ("takes", ("b",), "")
