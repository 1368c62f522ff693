"""Hostile input: messages, names, numbers and payloads that somebody or something may send."""

from jobqueue.entrypoints.proto import jobqueue_pb2 as pb

PACKAGE = "/jobqueue.v1.JobQueue/"
REQUESTS = {
    "Submit": pb.SubmitRequest,
    "SubmitBatch": pb.SubmitBatchRequest,
    "SubmitStream": pb.SubmitBatchRequest,
    "Get": pb.GetRequest,
    "Watch": pb.WatchRequest,
    "Cancel": pb.CancelRequest,
    "ListDead": pb.ListDeadRequest,
    "Redrive": pb.RedriveRequest,
    "Stats": pb.StatsRequest,
}
NAMES = [
    "", "default", "q", " ", "a b", "\0", "\n", "\x7f", "*", "{q}", "}{", "q}:ready", "../../etc/passwd", "'; DROP",
    "%s%n", "ünïcode", "💥", "\u202e", "\ufeffq", "a" * 64, "a" * 65, "a" * 100_000, "0", "-1", "None", "jobqueue",
]  # fmt: skip
NUMBERS = [0.0, -0.0, 1e-300, 0.5, -1.0, 1e9, 1e300, -1e300, float("inf"), float("-inf"), float("nan"), 366 * 86400.0]
WHOLE = [0, 1, -1, 100, 1000, 1001, 2**31 - 1, -(2**31)]
PAYLOADS = [
    b"", b"null", b"{}", b"\xff\xfe", b"\x80", b"{", b"[" * 100_000, b"[" * 900 + b"]" * 900, b"nul", b"'x'",
    b'"\\ud800"', b'{"a":1,"a":2}', b"NaN", b"1e999", b"9" * 10_000, b"\0", b"\xef\xbb\xbfnull",
    b'"' + b"x" * 262_142 + b'"', b'"' + b"x" * 262_143 + b'"', b" " * 300_000, '"\u2028💥"'.encode(),
]  # fmt: skip


def new_job(rng):
    """Return a job as a careless program would submit it, and once in a while an enemy."""

    def mostly(good, hostile):
        return good if rng.random() < 0.85 else rng.choice(hostile)

    return pb.NewJob(
        type=mostly("noop", NAMES),
        payload_json=mostly(b"{}", PAYLOADS),
        delay_s=mostly(0.0, NUMBERS),
        idempotency_key=mostly("", NAMES),
    )


def request(rng, method, ids):
    """Return a well-formed request, about half of them with hostile values; `ids` are of jobs that are there."""
    queue = rng.choice(["", "default", "default", rng.choice(NAMES)])
    if method == "Submit":
        return pb.SubmitRequest(queue=queue, job=new_job(rng)) if rng.random() < 0.95 else pb.SubmitRequest()
    if method in ("SubmitBatch", "SubmitStream"):
        return pb.SubmitBatchRequest(queue=queue, jobs=[new_job(rng) for _ in range(rng.choice([0, 1, 2, 20]))])
    if method in ("Get", "Watch", "Cancel"):
        return REQUESTS[method](queue=queue, id=rng.choice([*NAMES, *ids]))
    if method == "ListDead":
        return pb.ListDeadRequest(
            queue=queue,
            page_size=rng.choice([0, 10, *WHOLE]),
            page_token=rng.choice(["", "", *NAMES, "10", "999999999", "9999999999", "\u0663"]),
            error_type=rng.choice(NAMES),
        )
    if method == "Redrive":
        return pb.RedriveRequest(
            queue=queue,
            ids=rng.sample([*NAMES, *ids], rng.choice([0, 0, 1, 5])),
            error_type=rng.choice([*NAMES, "", "", "", "", "", ""]),
            all=rng.random() < 0.3,
            dry_run=rng.random() < 0.5,
        )
    return pb.StatsRequest(queue=queue)


def message(rng, method, ids):
    """Return the bytes of a request: well-formed, or cut short, or changed, or nothing but noise."""
    way = rng.choice(["whole", "whole", "whole", "whole", "truncated", "changed", "noise", "not utf-8"])
    if way == "noise":
        return rng.randbytes(rng.randrange(200))
    if way == "not utf-8":
        return b"\x0a\x02\xff\xfe" + b"\x12\x02\xc3\x28"
    raw = bytearray(request(rng, method, ids).SerializeToString())
    if way == "truncated":
        return bytes(raw[: rng.randrange(len(raw) + 1)])
    if way == "changed" and raw:
        for _ in range(rng.randrange(1, 5)):
            raw[rng.randrange(min(len(raw), 300))] = rng.randrange(256)
    return bytes(raw)
