"""The clients of the page on TLS verification: one that verifies nothing, and two that trust one CA."""

import ssl

import grpc


def unverified() -> ssl.SSLContext:
    """Accept any certificate: what `InsecureSkipVerify: true` does in Go."""
    # --8<-- [start:unverified]
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    # --8<-- [end:unverified]
    return context


def trusting(ca_pem: str) -> ssl.SSLContext:
    """Verify chain and name, with this CA as the only root: the fix."""
    return ssl.create_default_context(cadata=ca_pem)


def allow_partial_chains(context: ssl.SSLContext) -> None:
    """Accept any certificate as a root, not only a CA's; Python does so by default since 3.13."""
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN


def grpc_credentials(roots_pem: bytes | None) -> grpc.ChannelCredentials:
    """Return the credentials of a gRPC client with these roots; None stands for gRPC's own."""
    # --8<-- [start:grpc]
    roots = grpc.ssl_channel_credentials(root_certificates=roots_pem)
    # --8<-- [end:grpc]
    return roots
