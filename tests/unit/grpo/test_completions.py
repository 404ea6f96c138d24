from components.grpo.completions import sample_rows


def test_rows_hold_the_newest_completions_with_each_reward_part():
    logs = {
        "prompt": [[{"role": "system", "content": "s"}, {"role": "user", "content": f"q{i}"}] for i in range(3)],
        "completion": [[{"role": "assistant", "content": f"a{i}"}] for i in range(3)],
        "rewards": {"format": [0.0, 1.0, 1.0], "correctness": [0.0, 0.0, 1.0]},
        "advantages": [-1.0, 0.0, 1.0],
    }
    assert sample_rows(7, logs, 1) == [
        {"step": 7, "prompt": "q2", "completion": "a2", "reward_format": 1.0, "reward_correctness": 1.0, "advantage": 1.0}
    ]
    assert [row["completion"] for row in sample_rows(7, logs, 9)] == ["a0", "a1", "a2"]
    assert sample_rows(7, logs, 0) == []
