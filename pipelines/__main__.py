"""`python -m pipelines` is the `psyche` command."""

from pipelines.cli import main

main()
