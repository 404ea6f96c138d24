"""Questions for the tests of control."""

from components.common.records import Option, Question, identify


def question(stem: str, *options: str, key: str = "A", language: str = "en", **fields) -> Question:
    choices = [Option(label="ABCDEFGH"[i], text=t) for i, t in enumerate(options or ("one", "two", "three", "four"))]
    kind = "single" if len(key) == 1 else "multi"
    return identify(Question(id="", language=language, kind=kind, stem=stem, options=choices, key=key, **fields))
