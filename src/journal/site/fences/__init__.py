"""What a page shows that is not prose: cards, charts, indexes, the roadmap, proofs.

Each is a Markdown fence or a Markdown extension, never a MkDocs hook, so that any builder that reads the configuration
renders it. A fence's `render` is a pure function from its settings and its place to HTML; `as_fence` makes it the
formatter that pymdownx.superfences calls.
"""

from __future__ import annotations
