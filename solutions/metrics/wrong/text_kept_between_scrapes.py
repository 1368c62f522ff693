"""The text is kept and printed again as long as the number of series is the same.

Incident: The graphs stood still for hours, until a new label value came.
Fails: 4
Says: asked again
"""


class Registry:
    def exposition(self) -> str:
        now = self.snapshot()
        size = len(now["counters"]) + len(now["histograms"])
        if self.__dict__.get("_printed", (None, ""))[0] == size:
            return str(self.__dict__["_printed"][1])
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
        text = "".join(line + "\n" for name in sorted(families) for line in families[name])
        self.__dict__["_printed"] = (size, text)
        return text
