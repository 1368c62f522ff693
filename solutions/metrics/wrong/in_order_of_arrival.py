"""Names are printed in the order in which they were first recorded.

Incident: two instances of one service print different texts for the same counts; a test that compares them fails now and then.
Fails: 4
Says: two scrapes cannot be compared line by line
"""


class Registry:
    def exposition(self) -> str:
        now = self.snapshot()  # one consistent copy; what follows needs no lock
        families: dict[str, list[str]] = {}
        for key in now["counters"]:
            name, _ = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} counter"])
            lines.append(f"{key} {_number(now['counters'][key])}")
        for key in now["histograms"]:
            name, labels = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} histogram"])
            state = now["histograms"][key]
            for bound, count in state["buckets"].items():
                pairs = [*labels, f'le="{_number(bound)}"']
                lines.append(f"{name}_bucket{{{','.join(pairs)}}} {count}")
            braces = f"{{{','.join(labels)}}}" if labels else ""
            lines.append(f"{name}_sum{braces} {_number(state['sum'])}")
            lines.append(f"{name}_count{braces} {state['count']}")
        return "".join(line + "\n" for name in families for line in families[name])
