"""What `psyche run` looks at before it starts anything."""

import pytest

from components.common.errors import UserError
from pipelines.recipe import load_recipe
from pipelines.run_local import check_local_sources


@pytest.mark.parametrize("uri", ["/nowhere/books", "file:///nowhere/books", "samples://nothing", "gopher://old"])
def test_a_source_that_is_not_there_is_refused_at_once(uri):
    with pytest.raises(UserError, match=uri):
        check_local_sources(load_recipe("demo", overrides=[f"sources={uri}"]))


@pytest.mark.parametrize("uri", ["s3://bucket/books", "https://example.org/book.pdf", "hf://datasets/org/books"])
def test_remote_sources_are_left_to_ingest(uri):
    check_local_sources(load_recipe("demo", overrides=[f"sources={uri}"]))


def test_the_samples_are_there():
    check_local_sources(load_recipe("demo"))
