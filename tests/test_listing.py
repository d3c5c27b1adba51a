from llavataros_jax.listing import listed


def test_the_first_few_and_how_many_more():
    assert listed([], 2) == ""
    assert listed(["a", "b"], 2) == "a, b"
    assert listed({"a": 1, "b": 2, "c": 3}, 2) == "a, b and 1 more"
