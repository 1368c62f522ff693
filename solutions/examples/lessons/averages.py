from statistics import fmean, median, quantiles

calls_s = [0.010] * 196 + [2.0] * 4
print(f"average {fmean(calls_s):.3f} s")
print(f"median  {median(calls_s):.3f} s")
print(f"p99     {quantiles(calls_s, n=100)[98]:.3f} s")
