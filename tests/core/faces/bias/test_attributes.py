"""Attributes as CSV and as Wikidata exports them."""

from __future__ import annotations

from pathlib import Path

import pytest

from autotag_core.errors import InputError
from autotag_core.faces.bias.attributes import Group, read_attributes, read_reference, unmatched_people

PEOPLE = [("Q1", "Ann Lee"), ("bob", "Bob Roe"), ("c1", "Cy"), ("c2", "Cy")]


def written(folder: Path, text: str) -> str:
    (folder / "a.csv").write_bytes(text.encode() if isinstance(text, str) else text)
    return str(folder / "a.csv")


def test_people_are_named_by_id_or_by_a_name_that_one_has(tmp_path: Path) -> None:
    text = "person,attribute,value\nQ1,sex,female\nbob  ROE,sex,male\nCy,sex,male\nc2,sex,male\nzoe,sex,female\n"
    assert read_attributes(written(tmp_path, text), PEOPLE) == {
        Group("sex", "female"): {"Q1"},
        Group("sex", "male"): {"bob", "c2"},
    }


def test_an_export_of_wikidata_has_a_column_an_attribute(tmp_path: Path) -> None:
    text = (
        "person,personLabel,gender,genderLabel,born\n"
        "http://www.wikidata.org/entity/Q1,A. Lee,http://www.wikidata.org/entity/Q6581072,female,1970s\n"
        "http://www.wikidata.org/entity/Q2,Bob Roe,http://www.wikidata.org/entity/Q6581097,male,\n"
    )
    assert read_attributes(written(tmp_path, text), PEOPLE) == {
        Group("born", "1970s"): {"Q1"},
        Group("gender", "female"): {"Q1"},
        Group("gender", "male"): {"bob"},
    }


@pytest.mark.parametrize("label", ["http://www.wikidata.org/.well-known/genid/0a1", "t42"])
def test_a_value_that_wikidata_does_not_know_is_no_group(label: str, tmp_path: Path) -> None:
    text = (
        "person,personLabel,gender,genderLabel\n"
        f"http://www.wikidata.org/entity/Q1,A. Lee,http://www.wikidata.org/.well-known/genid/0a1,{label}\n"
        "http://www.wikidata.org/entity/Q2,Bob Roe,http://www.wikidata.org/entity/Q6581097,male\n"
    )
    assert read_attributes(written(tmp_path, text), PEOPLE) == {Group("gender", "male"): {"bob"}}


def test_who_is_nobody_or_two_people_is_listed(tmp_path: Path) -> None:
    file = written(tmp_path, "person,attribute,value\nQ1,a,x\nCy,a,x\nzoe,a,x\nzoe,b,y\nBOB ROE,a,x\n")
    assert unmatched_people(file, PEOPLE) == ["Cy", "zoe"]


def test_somebody_of_two_values_is_in_both_groups(tmp_path: Path) -> None:
    text = "itemLabel,countryLabel\nAnn Lee,Kenya\nAnn Lee,Peru\n"
    assert list(read_attributes(written(tmp_path, text), PEOPLE)) == [
        Group("country", "Kenya"),
        Group("country", "Peru"),
    ]


MANY = "person,attribute,value\n" + "".join(f"Q1,born,{year}\n" for year in range(101))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no column person and attribute and value; it has none"),
        ("person,value\na,b\n", "no column attribute; it has person, value"),
        ("person,attribute,value\nQ1,sex,\n", "line 2: a person, an attribute and a value"),
        ("person,attribute,value\nzoe,sex,f\n", "nobody in it is enrolled"),
        ("item,itemLabel\na,b\n", "no attribute: it has only item, itemLabel"),
        ("itemLabel,sexLabel\n,b\n", "line 2: a person is needed in itemLabel"),
        (MANY, "'born' has 101 values, not at most 100: group them"),
    ],
)
def test_wrong_attributes_are_refused_in_one_line(text: str, said: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        read_attributes(written(tmp_path, text), PEOPLE)
    (tmp_path / "a.csv").write_bytes(b"\xff\xfe")
    with pytest.raises(InputError, match="not UTF-8"):
        read_attributes(str(tmp_path / "a.csv"), PEOPLE)


def test_reference_shares_are_numbers_that_fit(tmp_path: Path) -> None:
    text = "attribute,value,share\nsex,female,0.51\nsex,male,0.49\n"
    assert read_reference(written(tmp_path, text)) == {Group("sex", "female"): 0.51, Group("sex", "male"): 0.49}
    head = "attribute,value,share\n"
    for rows, said in (
        ("sex,f,51%\n", "line 2: an attribute, a value and a share"),
        ("sex,f,nan\n", "line 2"),
        ("sex,f,.6\nsex,m,.6\n", "the shares of sex are 1.2 together"),
        ("sex,f,.1\nsex,f,.1\n", "line 3: sex f is there twice"),
    ):
        with pytest.raises(InputError, match=said):
            read_reference(written(tmp_path, head + rows))
