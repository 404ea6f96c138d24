"""The fixed message must reach everybody, whatever the request says about language and country."""

import pytest

from components.guard.messages import load_helplines, safe_message


@pytest.mark.parametrize(
    ("language", "country", "number"),
    [
        ("zh", "", "12356"),
        ("zh-CN", "", "12356"),
        ("zh_TW", "TW", "1925"),
        ("en", "", "988"),
        ("EN-gb", "GB", "116 123"),
        ("en", "uk", "116 123"),
        ("en", " gb ", "116 123"),
        ("zh", "US", "988"),
        ("en", "CN", "12356"),
    ],
)
def test_lines_of_the_country(language, country, number):
    assert number in safe_message(language, country)


@pytest.mark.parametrize(("language", "country"), [("en", "XX"), ("fr", ""), ("", ""), ("??", "Atlantis"), ("zh", "XX")])
def test_unknown_places_get_the_international_lines(language, country):
    assert "findahelpline.com" in safe_message(language, country) or "988" in safe_message(language, country)


def test_an_unknown_language_gets_the_english_text():
    assert "Thank you for telling me this" in safe_message("fr", "GB")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_country_has_lines_in_both_languages(language):
    helplines = load_helplines()
    for country, lines in helplines.countries.items():
        text = safe_message(language, country)
        assert all(line.number in text and line.name[language] in text for line in lines)
        assert "{" not in text
