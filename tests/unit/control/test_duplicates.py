import random

from components.control.duplicates import DuplicateSearch
from components.control.settings import DuplicateSettings
from components.control.text import jaccard, question_shingles
from tests.unit.control.questions import question

WORDS = [f"{a}{b}" for a in "记忆思维情绪动机人格态度智力感觉知觉注意" for b in "的是与在对于从中和为"]


def synthetic(rng, words=25):
    return question(
        "".join(rng.choice(WORDS) for _ in range(words)), *("".join(rng.choice(WORDS) for _ in range(4)) for _ in range(4)), language="zh"
    )


def find(questions, batch=7, **settings):
    search = DuplicateSearch(DuplicateSettings(**settings), seed=42)
    for start in range(0, len(questions), batch):
        search.add(questions[start : start + batch])
    return search.find()


def test_a_copy_with_other_marks_and_shuffled_options_is_exact():
    one = question("Which lobe processes vision?", "frontal", "occipital", "parietal", "temporal", key="B")
    other = question("which lobe processes vision", "temporal", "parietal", "occipital", "frontal", key="C")
    found = find([one, other])
    assert (found[1].representative, found[1].similarity) == (0, 1.0)


def test_of_a_cluster_the_first_stays_and_all_others_name_it():
    stem = (
        "Which part of the brain is most closely linked to the formation of new memories of facts and events in healthy adults of any age"
    )
    found = find([question(f"{stem}{end}") for end in ("?", " today?", " now?", " here?")])
    assert {k: v.representative for k, v in found.items()} == {1: 0, 2: 0, 3: 0}


def test_similar_stems_with_other_content_stay():
    assert find([question("What is memory?", "a process", "a place"), question("What is emotion?", "a feeling", "a state")]) == {}


def test_two_questions_about_one_long_case_both_stay():
    case = "Mina is twenty and studies chemistry. She has been afraid for years that others find her stupid and avoids speaking in any seminar. "
    case += "Before each talk she rehearses every word, keeps her hands below the table, blushes, and afterwards goes over the scene for hours. "
    case += (
        "At home with two old friends she is lively and funny, sleeps and eats well, and dreams of becoming a teacher in her home town. "
    )
    one = question(case + "Which symptom does she show?", "avoidance of talks", "loss of appetite", "hearing voices", "poor memory")
    other = question(case + "Which therapy fits her best?", "graded exposure", "dream analysis", "electric shocks", "no treatment")
    assert find([one, other]) == {}
    assert find([one, other], options=0.0).keys() == {1}


def test_no_questions_no_duplicates():
    assert find([]) == {}


def test_what_stays_holds_no_similar_pair_and_what_goes_is_similar_to_what_stays():
    rng = random.Random(1)
    questions = [synthetic(rng) for _ in range(150)]
    for _ in range(60):
        source = rng.choice(questions)
        place = rng.randrange(len(source.stem) - 4)
        questions.append(source.model_copy(update={"stem": source.stem[:place] + "改动" + source.stem[place + 2 :]}))
    sets = [question_shingles(q, 5, 3) for q in questions]
    found = find(questions)
    assert len(found) >= 50
    kept = [n for n in range(len(questions)) if n not in found]
    assert all(jaccard(sets[a], sets[b]) < 0.7 for i, a in enumerate(kept) for b in kept[:i])
    assert all(v.representative in kept and jaccard(sets[k], sets[v.representative]) >= 0.7 for k, v in found.items())


def test_the_result_does_not_depend_on_batches():
    rng = random.Random(2)
    questions = [synthetic(rng, 8) for _ in range(40)] * 2
    assert find(questions, batch=3) == find(questions, batch=80)
