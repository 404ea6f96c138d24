from components.cleaning.boilerplate import LineCounts, count_lines, drop_boilerplate

HEADER = "Introduction to Psychology, page {}"


def test_lines_that_recur_across_records_go_and_digits_do_not_hide_them():
    texts = [f"{HEADER.format(n)}\nText number {'x' * n} is unlike any other." for n in range(1, 7)]
    counts = count_lines(texts, longest=120)
    assert drop_boilerplate(texts[2], counts, threshold=5) == ("Text number xxx is unlike any other.", 1)


def test_a_line_repeated_inside_one_record_counts_once():
    counts = count_lines(["same line\nsame line\nsame line", "other"], longest=120)
    assert counts.count("same line") == 1


def test_long_lines_and_blank_lines_are_never_boilerplate():
    long = "word " * 40
    counts = count_lines([f"{long}\n\n"] * 9, longest=120)
    assert drop_boilerplate(f"{long}\n\nend", counts, threshold=5) == (f"{long}\n\nend", 0)


def test_the_table_of_counts_does_not_grow():
    counts = LineCounts(longest=120)
    size = counts._cells.nbytes
    for n in range(2000):
        counts.add(f"line {'abcdefghij'[n % 10]} {chr(0x4E00 + n)}")
    assert counts._cells.nbytes == size
    assert counts.count("line never seen") == 0
