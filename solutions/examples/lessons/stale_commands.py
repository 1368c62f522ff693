import re

README = "Run `make start`, then `make check`. To publish: `make release`."
MAKEFILE = "start:\n\tpython -m app\n\ntest:\n\tpytest\n\nrelease:\n\t./release.sh\n"

targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
for target in re.findall(r"`make ([a-z]+)`", README):
    if target not in targets:
        print(f"the README says `make {target}`, and the Makefile has no such target")
