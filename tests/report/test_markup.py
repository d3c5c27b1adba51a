import math

import pytest

from llavataros_jax.report.markup import data_uri, number, prose, text


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (0.31, "0.310"),
        (-12.345, "−12.3"),
        (123.4, "123"),
        (98765.4, "98\u202f765"),
        (0.0, "0.00"),
        (2e-28, "0.00"),
        (2.04e-5, "2.04·10<sup>−5</sup>"),
        (math.nan, "–"),
        (math.inf, "–"),
    ],
)
def test_numbers_have_three_digits(value, written):
    assert number(value) == written


def test_an_interval_has_as_many_decimals_as_its_value():
    assert number(0.9912, like=12.3) == "1.0"
    assert number(0.0, like=1e-30) == "0.00"


def test_text_cannot_become_markup():
    assert text("<a href=\"x\" id='y'>&") == "&lt;a href=&quot;x&quot; id=&#x27;y&#x27;&gt;&amp;"


def test_an_address_holds_its_content():
    assert data_uri(b"abc", "text/plain") == "data:text/plain;base64,YWJj"


def test_prose_has_code_and_nothing_else():
    assert prose("see `a<b>.py` & <i>") == "see <code>a&lt;b&gt;.py</code> &amp; &lt;i&gt;"
