"""The engine on a Cluster whose primaries die: what a replica had is not lost, and workers find the new primary."""

import os
import signal
import time
from pathlib import Path

import pytest
import redis
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from jobqueue.adapters.redis_keys import queue_keys
from tests.jobqueue.cluster.load import PRIMARIES, Producer, queues_on_each_primary
from tests.jobqueue.faults.ledger import Ledger


class Nodes:
    """Looks at the nodes one by one, and kills them by process id."""

    def __init__(self, cluster):
        self.clients = cluster.clients()
        self.pids = [client.info("server")["process_id"] for client in self.clients]
        self.dead = set()

    def close(self):
        for client in self.clients:
            client.close()

    def primary_of(self, queue):
        """Return the number of the node that holds a queue, as a living node tells."""
        for number, client in enumerate(self.clients):
            if number in self.dead:
                continue
            try:
                client.exists(queue_keys(queue).ready)
            except redis.exceptions.RedisError:  # it is another's, or this one does not know better yet
                continue
            if client.info("replication")["role"] == "master":
                return number
        return None

    def replica_has_all(self, number):
        """Wait until the replicas of a primary have all that it has written until now."""
        written = self.clients[number].info("replication")["master_repl_offset"]
        while True:
            known = self.clients[number].info("replication")
            offsets = [known[f"slave{n}"]["offset"] for n in range(known["connected_slaves"])]
            if offsets and min(offsets) >= written:
                return
            time.sleep(0.01)

    def kill(self, number):
        os.kill(self.pids[number], signal.SIGKILL)
        self.dead.add(number)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_a_primary_killed_mid_run_loses_no_job_that_its_replica_had(cluster, processes, rng, scaled):
    """A failover costs no job that the replica had, and nobody has to restart a worker.

    Did: ran two workers on six queues over three primaries with a replica each while a producer submitted batches with
        keys; killed one primary after another, each once its replica had caught up and some more had been submitted.
    Saw: every job that the replica had when its primary died is done with exactly one effect, or dead with its reason;
        the workers and the producer went on by themselves. What was acknowledged in the moment before the kill and not
        yet copied may be lost: replication is asynchronous, and the run says how many were.
    Otherwise: workers would stay connected to an address that is gone, or their scripts be unknown to the new primary.
    """
    nodes = Nodes(cluster)
    queues = queues_on_each_primary(nodes.clients[0])
    url = cluster.url
    with EmbeddedValkey(Path(processes.folder) / "n", append_only=False) as notebook:
        producer = Producer(url, queues)
        books = {queue: Ledger(notebook.url, queue) for queue in queues}
        settings = {"JOBQUEUE_CLUSTER": "true", "JOBQUEUE_QUEUES": ",".join(queues), "FAULTS_URL": notebook.url}
        workers = [processes.worker(url, JOBQUEUE_LEASE_S="2", JOBQUEUE_CONCURRENCY="20", **settings) for _ in "ab"]
        for worker in workers:
            worker.logged("working")
        producer.start()
        had, failovers_s = {queue: set() for queue in queues}, []
        for victim in rng.sample(range(PRIMARIES), scaled(PRIMARIES, 1)):
            time.sleep(rng.uniform(1.0, 2.0) * scaled(10, 2) / 2)
            hit = [queue for queue in queues if nodes.primary_of(queue) == victim]
            known = {queue: set(producer.acknowledged[queue]) for queue in hit}
            nodes.replica_has_all(victim)
            for queue in hit:
                had[queue] |= known[queue]
            time.sleep(rng.uniform(0.0, 0.2))
            nodes.kill(victim)
            killed_at = time.monotonic()
            while any(nodes.primary_of(queue) in (None, victim) for queue in hit):
                assert time.monotonic() < killed_at + 30, "no failover"
                time.sleep(0.05)
            failovers_s.append(time.monotonic() - killed_at)
            before = {queue: books[queue].effects() for queue in hit}
            while any(books[queue].effects() <= before[queue] for queue in hit):
                assert time.monotonic() < killed_at + 60, "the workers do not carry on"
                time.sleep(0.05)
        producer.ending = True
        producer.join(60)
        assert not producer.is_alive()
        for queue in queues:  # a queue whose primary was not killed lost nothing at all
            if nodes.primary_of(queue) < PRIMARIES:
                had[queue] = set(producer.acknowledged[queue])
        living = nodes.clients[next(n for n in range(len(nodes.clients)) if n not in nodes.dead)]
        port = living.connection_pool.connection_kwargs["port"]
        retry = Retry(ConstantBackoff(0.1), 50)
        total, gone = {}, 0
        for queue, book in books.items():
            book.client = redis.RedisCluster(host="127.0.0.1", port=port, retry=retry)
            book.wait_until_settled(120)
            stored = {raw.decode() for raw in book.client.hkeys(book.keys.records)}
            for name, count in book.check(had[queue]).items():
                total[name] = total.get(name, 0) + count
            gone += len(set(producer.acknowledged[queue]) - stored)
            book.close()
        acknowledged = sum(len(ids) for ids in producer.acknowledged.values())
        print(
            f"{len(failovers_s)} failovers in {', '.join(f'{each:.1f}' for each in failovers_s)} s, "
            f"{acknowledged} acknowledged, {producer.repeated} batches repeated, "
            f"{gone} lost that were not copied: {total}"
        )
        assert producer.repeated > 0, "the kill met no submit"
        assert total["dead"] <= 0.02 * total["jobs"], total
        assert all(worker.drain() == 0 for worker in workers)
    nodes.close()
