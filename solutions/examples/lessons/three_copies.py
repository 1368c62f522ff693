import copy

live: dict[str, list[float]] = {"waits_s": [0.2]}
alias, shallow, deep = live, dict(live), copy.deepcopy(live)
live["errors"] = [1.0]
live["waits_s"].append(0.9)

for name, report in [("alias", alias), ("shallow", shallow), ("deep", deep)]:
    print(f"{name:8}", report)
