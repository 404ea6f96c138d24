"""Fields of a compiled pipeline that came to Kubeflow Pipelines late: an older API server refuses what it does not know.

Read from the messages of kfp-kubernetes and kfp-pipeline-spec 2.14.0, 2.14.6, 2.15.2, 2.16.0 and 2.17.0. The server parses
them with protojson.Unmarshal, which takes no unknown field.
"""

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
