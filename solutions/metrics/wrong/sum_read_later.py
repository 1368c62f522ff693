"""The exposition adds up the sums after the lock is given back.

Incident: An average of a busy minute is drawn from the sum of one moment and the count of another.
Fails: 5
Says: at most 1.0, sum
"""


class Registry:
    def exposition(self) -> str:
        now = self.snapshot()
        for key, state in now["histograms"].items():
            state["sum"] = self._histograms[key].sum
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
        return "".join(line + "\n" for name in sorted(families) for line in families[name])
