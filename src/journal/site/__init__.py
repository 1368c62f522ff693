"""The site: what is done before MkDocs builds it, beside it, and after."""
