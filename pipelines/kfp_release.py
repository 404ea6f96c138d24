"""Fields of a compiled pipeline that came to Kubeflow Pipelines late: an older API server refuses what it does not know.

Read from the messages of kfp-kubernetes and kfp-pipeline-spec 2.14.0, 2.14.6, 2.15.2, 2.16.0 and 2.17.0. The server parses
them with protojson.Unmarshal, which takes no unknown field.
"""

import re
from typing import Literal, get_args

Release = Literal["2.14", "2.15", "2.16", "2.17"]
RELEASES: tuple[Release, ...] = get_args(Release)

# ConfigMapAsEnv.optional and SecretAsEnv.optional.
OPTIONAL_ENV: Release = "2.15"
# KubernetesExecutorConfig.security_context, and the restricted security contexts of KFP's own containers (KFP #12782).
SECURITY_CONTEXT: Release = "2.16"
# PipelineConfig.resource_ttl_on_completion.
TTL: Release = "2.17"


def knows(release: Release, since: Release) -> bool:
    """Returns whether a release is not older than another.

    >>> knows("2.15", OPTIONAL_ENV), knows("2.15", SECURITY_CONTEXT)
    (True, False)
    """
    return RELEASES.index(release) >= RELEASES.index(since)


def is_stated(tag: str) -> bool:
    """Returns whether a server's `tag_name` holds a release; a build of one's own says unknown."""
    return bool(re.match(r"v?\d+\.\d+", tag))


def refusal(tag: str, compiled_for: Release) -> str:
    """Returns why a server would not run what is compiled for a release, with the fix; "" where it would, or does not say what it is.

    Args:
        tag: `tag_name` of KFP's health endpoint, such as 2.16.1.
        compiled_for: cluster.kfp of the recipe.
    """
    found = re.match(r"v?(\d+)\.(\d+)", tag)
    if not found or (int(found[1]), int(found[2])) >= tuple(int(part) for part in compiled_for.split(".")):
        return ""
    release = f"{found[1]}.{found[2]}"
    fix = f'set cluster.kfp: "{release}" and compile again' if release in RELEASES else f"upgrade KFP to {RELEASES[0]} or later"
    return f"is {tag} and the recipe is compiled for {compiled_for}, whose fields it refuses: {fix}."
