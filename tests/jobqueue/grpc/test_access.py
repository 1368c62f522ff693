"""Who may call: the token, TLS and mutual TLS, with a real certificate authority made for the test."""

import asyncio

import grpc
import pytest
import trustme

from jobqueue.config import Settings
from jobqueue.domain.errors import InvalidSettings
from jobqueue.entrypoints.grpc_client import connect
from jobqueue.entrypoints.proto import jobqueue_pb2 as pb


def code_of(front, client, **settings):
    async def scenario():
        async with front(client=client, **settings) as service:
            try:
                await service.stub.Stats(pb.StatsRequest(), timeout=10)
            except grpc.aio.AioRpcError as error:
                return error.code()
            return grpc.StatusCode.OK

    return asyncio.run(scenario())


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        ("right", grpc.StatusCode.OK),
        ("wrong", grpc.StatusCode.UNAUTHENTICATED),
        ("", grpc.StatusCode.UNAUTHENTICATED),
    ],
)
def test_only_the_right_token_gets_in(front, sent, code):
    assert code_of(front, {"token": sent}, token="right") is code


@pytest.fixture
def pem(tmp_path):
    """A certificate authority, a server's and a client's certificate as files, and a stranger's client certificate."""
    authority, stranger = trustme.CA(), trustme.CA()
    files = {"ca": tmp_path / "ca.pem"}
    authority.cert_pem.write_to_path(files["ca"])
    for name, issuer in (("server", authority), ("client", authority), ("foreign", stranger)):
        issued = issuer.issue_cert("localhost", "127.0.0.1")
        files[f"{name}_cert"], files[f"{name}_key"] = tmp_path / f"{name}.pem", tmp_path / f"{name}.key"
        issued.private_key_pem.write_to_path(files[f"{name}_key"])
        files[f"{name}_cert"].write_bytes(b"".join(blob.bytes() for blob in issued.cert_chain_pems))
    return {name: str(path) for name, path in files.items()}


@pytest.mark.parametrize(
    ("client", "code"),
    [
        ({"tls_cert": "client_cert", "tls_key": "client_key"}, grpc.StatusCode.OK),
        ({}, grpc.StatusCode.UNAVAILABLE),
        ({"tls_cert": "foreign_cert", "tls_key": "foreign_key"}, grpc.StatusCode.UNAVAILABLE),
    ],
)
def test_mutual_tls_admits_only_a_client_of_the_same_authority(front, pem, client, code):
    options = {"tls_ca": pem["ca"], **{name: pem[file] for name, file in client.items()}}
    settings = {"tls_cert": pem["server_cert"], "tls_key": pem["server_key"], "tls_client_ca": pem["ca"]}
    assert code_of(front, options, listen="localhost:0", **settings) is code


def test_an_address_that_others_reach_needs_tls_and_a_token():
    with pytest.raises(InvalidSettings) as caught:
        Settings(listen="0.0.0.0:50051")
    assert "JOBQUEUE_TLS_CERT and JOBQUEUE_TOKEN" in str(caught.value)


def test_a_client_does_not_send_its_token_in_clear_to_another_machine():
    async def scenario():
        async with connect("192.0.2.1:50051", token="secret"):
            pass

    with pytest.raises(InvalidSettings):
        asyncio.run(scenario())
