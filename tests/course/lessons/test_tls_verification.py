"""What the recall page on TLS verification claims: a real CA, real certificates, real handshakes on loopback."""

import asyncio
import ssl
import sys

import grpc
import pytest
import trustme

from solutions.examples.lessons.tls_clients import allow_partial_chains, grpc_credentials, trusting, unverified

NAME = "localhost"


@pytest.fixture(scope="module")
def our_ca():
    return trustme.CA()


@pytest.fixture(scope="module")
def their_ca():
    """Return the CA of a man in the middle, who can make a certificate for any name."""
    return trustme.CA()


def sent_to(server_cert, client_context, name=NAME):
    """Send a password to a server that has this certificate; return what it heard, or why there was no handshake."""
    heard, served = [], asyncio.Event()

    async def serve(reader, writer):
        heard.append(await reader.read())
        writer.close()
        served.set()

    async def main():
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server_cert.configure_cert(context)
        server = await asyncio.start_server(serve, "localhost", 0, ssl=context)
        port = server.sockets[0].getsockname()[1]
        try:
            _, writer = await asyncio.open_connection("localhost", port, ssl=client_context, server_hostname=name)
            writer.write(b"password")
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            await served.wait()
        except ssl.SSLCertVerificationError as error:
            return error.verify_message
        finally:
            server.close()
            await server.wait_closed()
        return heard[0]

    return asyncio.run(main())


def test_client_without_verification_gives_the_password_to_an_impostor(their_ca):
    """With verification off, encryption protects the conversation with the one who answered.

    Did: a server with a certificate of another CA answered a client that verifies nothing.
    Saw: the handshake succeeded, and the impostor read the password.
    Otherwise: the handshake would fail, or the impostor would read ciphertext.
    """
    assert sent_to(their_ca.issue_cert(NAME), unverified()) == b"password"


def test_client_with_our_root_refuses_the_impostor(our_ca, their_ca):
    """With the signing CA as its root, a client accepts that CA's servers and no others.

    Did: gave a client our CA as root, and let it meet our server and the impostor's.
    Saw: our server read the password; the impostor's handshake failed before a byte of it was sent.
    Otherwise: both would succeed, as with verification off, or both would fail.
    """
    context = trusting(our_ca.cert_pem.bytes().decode())
    assert sent_to(our_ca.issue_cert(NAME), context) == b"password"
    assert "unable to get local issuer" in sent_to(their_ca.issue_cert(NAME), context)


def test_wrong_root_fails_closed(our_ca, their_ca):
    """A client with the wrong root refuses every server, the right one too.

    Did: gave a client the other CA as root and let it meet our server.
    Saw: certificate verification failed, and nothing was sent.
    Otherwise: it would connect, and a mistake in the settings would open the door in silence.
    """
    context = trusting(their_ca.cert_pem.bytes().decode())
    assert "unable to get local issuer" in sent_to(our_ca.issue_cert(NAME), context)


def test_right_chain_with_another_name_is_refused(our_ca):
    """A chain that verifies is not enough: the certificate must be for the name that was called.

    Did: our CA signed a certificate for another host; a client that trusts our CA called "localhost".
    Saw: verification failed on the name. With `check_hostname = False` and the chain still verified, it was accepted.
    Otherwise: every certificate of the same CA would open every server behind it.
    """
    elsewhere = our_ca.issue_cert("mail.example.org")
    context = trusting(our_ca.cert_pem.bytes().decode())
    assert "Hostname mismatch" in sent_to(elsewhere, context)
    context.check_hostname = False
    assert sent_to(elsewhere, context) == b"password"


def grpc_answer(server_cert, roots_pem):
    """Call a grpc.aio server that has this certificate, with these roots (None: grpc's own); return answer or code."""

    async def hello(_request, _context):
        return b"hello"

    async def main():
        server = grpc.aio.server()
        method = {"Hello": grpc.unary_unary_rpc_method_handler(hello)}
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("Greeter", method),))
        chain = b"".join(pem.bytes() for pem in server_cert.cert_chain_pems)
        credentials = grpc.ssl_server_credentials([(server_cert.private_key_pem.bytes(), chain)])
        port = server.add_secure_port("localhost:0", credentials)
        await server.start()
        roots = grpc_credentials(roots_pem)
        try:
            async with grpc.aio.secure_channel(f"localhost:{port}", roots) as channel:
                return await channel.unary_unary("/Greeter/Hello")(b"")
        except grpc.aio.AioRpcError as error:
            return error.code()
        finally:
            await server.stop(None)

    return asyncio.run(main())


def test_grpc_needs_the_signing_ca_among_its_roots(our_ca, their_ca):
    """For gRPC, the fix is `root_certificates`: the CA that signed the server's certificate.

    Did: called our server with our CA as root, with gRPC's default roots, and an impostor's with our CA.
    Saw: "hello" for the first; UNAVAILABLE for the other two, whose handshake failed.
    Otherwise: the default roots would accept a private CA, or the impostor would answer.
    """
    ours, theirs = our_ca.issue_cert(NAME), their_ca.issue_cert(NAME)
    root = our_ca.cert_pem.bytes()
    assert grpc_answer(ours, root) == b"hello"
    assert grpc_answer(ours, None) is grpc.StatusCode.UNAVAILABLE
    assert grpc_answer(theirs, root) is grpc.StatusCode.UNAVAILABLE


def test_the_servers_own_certificate_is_no_root_unless_partial_chains_are_allowed(our_ca):
    """A server's certificate in place of its CA: whether that works depends on a flag that Python 3.13 switched on.

    Did: gave a client our server's own certificate as its only root, once with partial chains forbidden and once with
      them allowed.
    Saw: refused with the first ("unable to get local issuer certificate"), accepted with the second. The default
      context allows them from Python 3.13 on.
    Otherwise: both would be refused, or both accepted.
    """
    cert = our_ca.issue_cert(NAME)
    context = trusting(cert.cert_chain_pems[0].bytes().decode())
    default = bool(context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN)
    assert default == (sys.version_info >= (3, 13))
    context.verify_flags &= ~ssl.VERIFY_X509_PARTIAL_CHAIN
    assert "unable to get local issuer" in sent_to(cert, context)
    allow_partial_chains(context)
    assert sent_to(cert, context) == b"password"
