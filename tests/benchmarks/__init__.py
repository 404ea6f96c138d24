"""Benchmarks: every bench_<name>.py here has `run() -> str`, which measures and returns Markdown."""
