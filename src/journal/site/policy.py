"""The Content-Security-Policy of the built site: nothing from any other origin, and no inline script at all."""

from __future__ import annotations

CONTENT_SECURITY_POLICY = "; ".join(  # noqa: FLY002 (one directive a line reads better)
    (
        "default-src 'none'",
        "script-src 'self' 'wasm-unsafe-eval'",  # the exercise's page runs Python, which is WebAssembly
        "style-src 'self' 'unsafe-inline'",  # notebook outputs, table alignments and the editor set styles in place
        "img-src 'self' data:",
        "font-src 'self'",
        "connect-src 'self'",
        "worker-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
    )
)
