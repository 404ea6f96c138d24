from components.cleaning.diff_sample import DiffSample, diff


def test_only_what_differs_is_shown():
    assert diff("Same one. Old two.", "Same one. New two.") == "- Old two.\n+ New two."


def test_the_sample_is_bounded_and_reproducible(tmp_path):
    def draw():
        sample = DiffSample(5, seed=1)
        for n in range(100):
            sample.offer(str(n), f"a {n}", f"b {n}")
        sample.write(tmp_path / "diff.md")
        return (tmp_path / "diff.md").read_text()

    first = draw()
    assert first == draw()
    assert first.count("## ") == 5
    assert "5 of 100 changed records" in first


def test_unchanged_records_are_not_sampled():
    sample = DiffSample(5, seed=1)
    sample.offer("1", "same", "same")
    assert sample.seen == 0
