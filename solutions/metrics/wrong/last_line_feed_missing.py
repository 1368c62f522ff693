"""The lines are joined by line feeds, so the last one has none.

Incident: the server cannot tell the text from one that was cut off, and refuses it.
Fails: 4, 5
Says: takes the text for one that was cut off
"""


class Registry:
    def exposition(self) -> str:
        now = self.snapshot()  # one consistent copy; what follows needs no lock
        families: dict[str, list[str]] = {}
        for key in sorted(now["counters"]):
            name, _ = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} counter"])
            lines.append(f"{key} {_number(now['counters'][key])}")
        for key in sorted(now["histograms"]):
            name, labels = _split(key)
            lines = families.setdefault(name, [f"# TYPE {name} histogram"])
            state = now["histograms"][key]
            for bound, count in state["buckets"].items():
                pairs = [*labels, f'le="{_number(bound)}"']
                lines.append(f"{name}_bucket{{{','.join(pairs)}}} {count}")
            braces = f"{{{','.join(labels)}}}" if labels else ""
            lines.append(f"{name}_sum{braces} {_number(state['sum'])}")
            lines.append(f"{name}_count{braces} {state['count']}")
        return "\n".join(line for name in sorted(families) for line in families[name])
