"""What a record costs the server: one hash per queue against one hash per job, side by side.

    python -m tests.bench.record_layout

Both layouts do the same to every job: submit, claim under a token and a lease, acknowledge under the token, in batches
of 100 from one synchronous client. The figure is the server's own CPU time, which other load hardly touches.
"""

import statistics
import tempfile
import time
from pathlib import Path

import redis

from jobqueue.adapters.embedded_valkey import EmbeddedValkey

JOBS, BATCH, ROUNDS = 50_000, 100, 5
PAYLOAD = b'{"customer": 7, "order": "2026-0001"}'

ONE_HASH = (
    """
for i = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1])
  redis.call('RPUSH', KEYS[2], ARGV[i])
end
""",
    """
local ids = redis.call('LPOP', KEYS[2], ARGV[1])
local scored, held = {}, {}
for n, id in ipairs(ids) do
  scored[2 * n - 1], scored[2 * n] = ARGV[2], id
  held[2 * n - 1], held[2 * n] = id, ARGV[3]
end
redis.call('ZADD', KEYS[3], unpack(scored))
redis.call('HSET', KEYS[4], unpack(held))
return { ids, redis.call('HMGET', KEYS[1], unpack(ids)) }
""",
    """
local ids, mine = {}, {}
for i = 2, #ARGV do ids[#ids + 1] = ARGV[i] end
for n, token in ipairs(redis.call('HMGET', KEYS[4], unpack(ids))) do
  if token == ARGV[1] then mine[#mine + 1] = ids[n] end
end
redis.call('HDEL', KEYS[4], unpack(mine))
redis.call('ZREM', KEYS[3], unpack(mine))
redis.call('HDEL', KEYS[1], unpack(mine))
""",
)

HASH_PER_JOB = (
    """
for i = 1, #ARGV, 2 do
  redis.call('HSET', KEYS[1] .. ARGV[i], 'payload', ARGV[i + 1], 'state', 'ready', 'token', '')
  redis.call('RPUSH', KEYS[2], ARGV[i])
end
""",
    """
local ids = redis.call('LPOP', KEYS[2], ARGV[1])
local payloads = {}
for n, id in ipairs(ids) do
  redis.call('HSET', KEYS[1] .. id, 'state', 'running', 'token', ARGV[3])
  redis.call('ZADD', KEYS[3], ARGV[2], id)
  payloads[n] = redis.call('HGET', KEYS[1] .. id, 'payload')
end
return { ids, payloads }
""",
    """
for i = 2, #ARGV do
  if redis.call('HGET', KEYS[1] .. ARGV[i], 'token') == ARGV[1] then
    redis.call('ZREM', KEYS[3], ARGV[i])
    redis.call('DEL', KEYS[1] .. ARGV[i])
  end
end
""",
)


def run(scripts: tuple[str, str, str], valkey: EmbeddedValkey) -> tuple[float, float]:
    """Take all jobs through their life; return the server's CPU seconds for 10,000 jobs, and jobs a second."""
    keys = ["{q}:records", "{q}:ready", "{q}:leases", "{q}:tokens"]
    with redis.Redis.from_url(valkey.url) as client:
        submit, claim, acknowledge = (client.register_script(text) for text in scripts)
        before, begun = _server_s(client), time.perf_counter()
        for start in range(0, JOBS, BATCH):
            submit(keys, [part for n in range(start, start + BATCH) for part in (f"{n:032x}", PAYLOAD)])
        for number in range(JOBS // BATCH):
            ids, payloads = claim(keys, [BATCH, 1_800_000_000_000, f"w.{number}"])
            assert len(ids) == len(payloads) == BATCH
            acknowledge(keys, [f"w.{number}", *ids])
        wall_s, cpu_s = time.perf_counter() - begun, _server_s(client) - before
        assert not client.exists(*keys)
    return cpu_s / JOBS * 10_000, JOBS / wall_s


def _server_s(client: redis.Redis) -> float:
    info = client.info("cpu")
    return info["used_cpu_user"] + info["used_cpu_sys"]


def main() -> None:
    """Measure both layouts in turn, and print medians and their ratio."""
    layouts = {"one hash per queue": ONE_HASH, "one hash per job": HASH_PER_JOB}
    cpu: dict[str, list[float]] = {name: [] for name in layouts}
    for _ in range(ROUNDS):
        for name, scripts in layouts.items():
            with tempfile.TemporaryDirectory() as folder, EmbeddedValkey(Path(folder), append_only=False) as valkey:
                cpu_s, rate = run(scripts, valkey)
            cpu[name].append(cpu_s)
            print(f"{name:20} {cpu_s:.3f} server CPU s / 10k jobs, {rate:,.0f} jobs/s")
    one, per_job = (statistics.median(values) for values in cpu.values())
    print(f"medians: {one:.3f} and {per_job:.3f}: one hash per job costs the server {per_job / one:.1f} times as much")


if __name__ == "__main__":
    main()
