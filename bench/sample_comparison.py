"""Whether two samples of times differ, by how much, and what one may say of it."""

import functools
import math
import random
import statistics

ALPHA = 0.01          # of all rows of a comparison together
CONFIDENCE = 0.95     # of the interval of each ratio
RESAMPLES = 2000
EXACT_MOST = 20       # values in each sample up to which the distribution of U is counted out


@functools.cache
def scipy_test():
    """SciPy's U test, or nothing: it is a heavy thing to ask for, and the few lines below give the same."""
    try:
        from scipy.stats import mannwhitneyu
    except ImportError:
        return None
    return mannwhitneyu


def u_statistic(left, right):
    """How many pairs have the left value above the right one; a tie is half a pair."""
    return sum((a > b) + 0.5 * (a == b) for a in left for b in right)


def exact_p(u, n, m):
    """Two-sided: the share of all orders of n + m different values whose U is at least as far from the middle."""
    # ways[s]: subsets of the ranks seen so far whose excess over the smallest possible rank sum is s, by their size.
    ways = [[0] * (n * m + 1) for _ in range(n + 1)]
    ways[0][0] = 1
    for rank in range(n + m):
        for size in range(min(rank + 1, n), 0, -1):
            shift = rank - (size - 1)
            if shift <= m:
                for s in range(n * m, shift - 1, -1):
                    ways[size][s] += ways[size - 1][s - shift]
    far = max(u, n * m - u)
    return min(1.0, 2 * sum(ways[n][math.ceil(far):]) / math.comb(n + m, n))


def normal_p(u, left, right):
    """Two-sided, by the normal distribution with a correction for ties and one for continuity."""
    n, m = len(left), len(right)
    values = sorted([*left, *right])
    ties = sum(count ** 3 - count for count in (values.count(value) for value in set(values)))
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    if variance == 0:
        return 1.0
    away = max(u, n * m - u) - n * m / 2 - 0.5
    return min(1.0, math.erfc(away / math.sqrt(2 * variance)))


def has_exact_p(left, right):
    return max(len(left), len(right)) <= EXACT_MOST and len({*left, *right}) == len(left) + len(right)


def own_u_test(left, right):
    u = u_statistic(left, right)
    return exact_p(u, len(left), len(right)) if has_exact_p(left, right) else normal_p(u, left, right)


def u_test(left, right):
    """p of the Mann-Whitney U test, two-sided: exact for small samples without ties."""
    if scipy_test() is None:
        return own_u_test(left, right)
    method = "exact" if has_exact_p(left, right) else "asymptotic"
    return float(scipy_test()(left, right, alternative="two-sided", method=method).pvalue)


def ratio_interval(before, now):
    """Percentile bootstrap of median(now) / median(before). The same samples give the same interval."""
    draw = random.Random(1)
    ratios = sorted(statistics.median(draw.choices(now, k=len(now))) / statistics.median(draw.choices(before, k=len(before)))
                    for _ in range(RESAMPLES))
    tail = int(RESAMPLES * (1 - CONFIDENCE) / 2)
    return ratios[tail], ratios[-1 - tail]


def adjusted(ps):
    """Holm's correction: with these, all rows together err with the probability that one alone was to err with."""
    order = sorted(range(len(ps)), key=lambda i: ps[i])
    result, most = [1.0] * len(ps), 0.0
    for place, i in enumerate(order):
        most = max(most, min(1.0, ps[i] * (len(ps) - place)))
        result[i] = most
    return result


def verdict_of(low, high, p, threshold):
    """SLOWER and FASTER: the U test finds a difference, and the whole interval lies beyond the threshold. SAME: it lies
    within. AMBIGUOUS: neither can be said, as it noise reaches over a threshold, or the difference may be chance."""
    if p < ALPHA and low > 1 + threshold:
        return "SLOWER"
    if p < ALPHA and high < 1 / (1 + threshold):
        return "FASTER"
    return "SAME" if 1 / (1 + threshold) <= low and high <= 1 + threshold else "AMBIGUOUS"


def compare_rows(before, now, threshold):
    """Rows that both have, in the order of `before`: {name: samples} on either side."""
    names = [name for name in before if name in now]
    ps = adjusted([u_test(now[name], before[name]) for name in names])
    rows = []
    for name, p in zip(names, ps):
        low, high = ratio_interval(before[name], now[name])
        old, new = statistics.median(before[name]), statistics.median(now[name])
        rows.append({"name": name, "baseline_ns": old, "now_ns": new, "ratio": new / old, "low": low, "high": high, "p": p,
                     "verdict": verdict_of(low, high, p, threshold)})
    return rows
