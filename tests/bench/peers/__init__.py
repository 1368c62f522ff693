"""One file a peer, run as a script inside that peer's own environment: `enqueue` and `worker`, same work for all.

Kinds of job: `noop` does nothing, `sleep5` waits 5 ms, `stamp` carries its submit instant and records its wait.
"""
