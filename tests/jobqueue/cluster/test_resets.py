"""Connections to the nodes of a Cluster that are reset while jobs run: every client finds its way back."""

import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from jobqueue.adapters.embedded_valkey import EmbeddedValkey
from tests.jobqueue.cluster.load import PRIMARIES, Producer, ledger_of, queues_on_each_primary
from tests.jobqueue.fakes.valkey_cluster import ValkeyCluster
from tests.jobqueue.faults.proxy import Proxy

EVERY_S = 1.0


def ports_known_to(client):
    return {owner[1] for _, _, owner, *_ in client.execute_command("CLUSTER SLOTS")}


def announce(clients, proxies):
    """Have every node tell clients the ports of the proxies, and return when all of them do."""
    for client, proxy in zip(clients, proxies, strict=True):
        client.config_set("cluster-announce-port", proxy.port)
    wanted, give_up_at = {proxy.port for proxy in proxies}, time.monotonic() + 30
    while any(ports_known_to(client) != wanted for client in clients):
        assert time.monotonic() < give_up_at, "the nodes do not agree about their ports"
        time.sleep(0.05)


@pytest.mark.long
@pytest.mark.alone
@pytest.mark.timeout(600)
def test_resets_of_a_nodes_connections_lose_no_job(processes, rng, scaled):
    """A Cluster behind a network that resets connections loses no job.

    Did: ran two workers on six queues over three primaries, each behind a proxy whose port the nodes announce, while a
        producer submitted batches with keys; once a second for a minute reset all connections of one node, by chance.
    Saw: jobs of that node took effect after each reset; in the end every job that was acknowledged was done with
        exactly one effect, none was dead, and the workers drained with status 0.
    Otherwise: a worker would take a reset for a node that is gone, or wait for an answer that will not come.
    """
    resets = scaled(60, 5)
    with ExitStack() as stack:
        cluster = stack.enter_context(ValkeyCluster(primaries=PRIMARIES))
        proxies = [stack.enter_context(Proxy(node.port, rng)) for node in cluster.nodes]
        notebook = stack.enter_context(EmbeddedValkey(Path(processes.folder) / "n", append_only=False))
        clients = [stack.enter_context(client) for client in cluster.clients()]
        announce(clients, proxies)
        queues = queues_on_each_primary(clients[0])
        settings = {"JOBQUEUE_CLUSTER": "true", "JOBQUEUE_QUEUES": ",".join(queues), "FAULTS_URL": notebook.url}
        workers = [
            processes.worker(proxies[0].url, JOBQUEUE_LEASE_S="2", JOBQUEUE_CONCURRENCY="20", **settings) for _ in "ab"
        ]
        for worker in workers:
            worker.logged("working")
        producer = Producer(proxies[0].url, queues, batch=10, pause_s=0.5)
        producer.start()
        books = {queue: stack.enter_context(ledger_of(cluster, queue, notebook.url)) for queue in queues}
        for _ in range(resets):
            due, victim = time.monotonic() + EVERY_S, rng.randrange(len(proxies))
            hit = [books[queue] for queue in queues[2 * victim : 2 * victim + 2]]
            before = [book.effects() for book in hit]
            proxies[victim].reset()
            for book, seen in zip(hit, before, strict=True):
                book.wait(lambda _, book=book, seen=seen: book.effects() > seen, 60, "working after a reset")
            time.sleep(max(0.0, due - time.monotonic()))
        producer.ending = True
        producer.join(60)
        assert not producer.is_alive()
        total = {}
        for queue, book in books.items():
            book.wait_until_settled(120)
            for name, count in book.check(producer.acknowledged[queue]).items():
                total[name] = total.get(name, 0) + count
        assert all(worker.drain() == 0 for worker in workers)
        broken = [proxy.broken for proxy in proxies]
    print(f"{resets} resets of {broken} connections, {producer.repeated} batches repeated: {total}")
    assert sum(broken) >= resets
    assert total["dead"] == 0, total
    assert total["done"] == total["jobs"], total
