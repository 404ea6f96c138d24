"""The locked packages install on every Python that the README names, not only on the one that resolved them."""

import importlib.metadata

import pytest
from packaging.specifiers import SpecifierSet


@pytest.mark.parametrize("python", ["3.11.2", "3.12.3"])  # those of Debian 12 and Ubuntu 24.04
def test_no_package_refuses_a_python_of_the_readme(python):
    refusing = {
        f"{d.metadata['Name']}=={d.version}"
        for d in importlib.metadata.distributions()
        if python not in SpecifierSet(d.metadata.get("Requires-Python") or "")
    }
    assert refusing == set()
