#!/usr/bin/python3
"""bench/gate/stats against SciPy: the same samples must have the same p, and intervals as near as
resampling allows. usage: test_stats.py (the environment's STATS_PROBE is the program it asks)"""

import json
import math
import os
import random
import subprocess
import sys
import unittest

try:
    import numpy
    import scipy.stats
except ImportError:
    print("skipped: python3-scipy is not installed")
    sys.exit(77)

PROBE = os.environ["STATS_PROBE"]


def ask(questions):
    text = "".join(json.dumps(q) + "\n" for q in questions)
    done = subprocess.run([PROBE], input=text, capture_output=True, text=True, check=True)
    return [json.loads(line) for line in done.stdout.splitlines()]


def pair(chance, na, nb, shift=0.0, digits=None):
    """Two lognormal samples; with few digits they have ties."""
    def one(count, by):
        drawn = [100 * chance.lognormvariate(by, 0.05) for _ in range(count)]
        return [round(v, digits) for v in drawn] if digits is not None else drawn
    return {"a": one(na, 0), "b": one(nb, shift), "resamples": 100, "seed": 1}


def holm(p):
    """As in the book: sorted, the k-th smallest times the tests that are left."""
    order = sorted(range(len(p)), key=lambda i: p[i])
    out, least = [0.0] * len(p), 0.0
    for k, i in enumerate(order):
        least = max(least, min(1.0, (len(p) - k) * p[i]))
        out[i] = least
    return out


class Stats(unittest.TestCase):
    def compare_p(self, questions, method):
        for question, answer in zip(questions, ask(questions)):
            for key, alternative in (("p", "two-sided"), ("p_below", "less")):
                expected = scipy.stats.mannwhitneyu(question["a"], question["b"], method=method,
                                                    alternative=alternative).pvalue
                message = f"{key} {len(question['a'])} {len(question['b'])}"
                self.assertLess(abs(answer[key] - expected), 1e-9 * max(expected, 1e-9), message)

    def test_exact_without_ties(self):
        chance = random.Random(1)
        sizes = [(1, 1), (1, 5), (2, 3), (5, 5), (10, 10), (20, 20), (7, 50), (50, 50)]
        self.compare_p([pair(chance, n, m, shift) for n, m in sizes
                        for shift in (0, 0.02, -0.05, 0.1, 0.5) for _ in range(4)], "exact")

    def test_normal_approximation_with_ties(self):
        chance = random.Random(2)
        questions = [pair(chance, n, m, shift, 0) for n, m in ((5, 5), (10, 10), (10, 30), (60, 60))
                     for shift in (0, 0.03, -0.1) for _ in range(20)]
        tied = [q for q in questions if len(set(q["a"] + q["b"])) < len(q["a"] + q["b"])]
        self.assertGreater(len(tied), 200)
        self.compare_p(tied, "asymptotic")

    def test_normal_approximation_of_many(self):
        chance = random.Random(3)
        self.compare_p([pair(chance, n, m, shift) for n, m in ((51, 51), (5, 51), (300, 200))
                        for shift in (0, 0.01, -0.02) for _ in range(5)], "asymptotic")

    def compare_pairs(self, questions, mode):
        for question, answer in zip(questions, ask(questions)):
            for key, alternative in (("p", "two-sided"), ("p_below", "less")):
                expected = scipy.stats.wilcoxon(question["pairs"], mode=mode, correction=True,
                                                alternative=alternative).pvalue
                self.assertLess(abs(answer[key] - expected), 1e-9 * max(expected, 1e-9),
                                f"{key} {question['pairs']}")

    def test_pairs_exact(self):
        chance = random.Random(5)
        self.compare_pairs([{"pairs": [chance.gauss(shift, 1) for _ in range(n)]}
                            for n in (1, 2, 5, 8, 12, 25, 50) for shift in (0, 0.3, -0.5, 3)
                            for _ in range(5)], "exact")

    def test_pairs_with_ties_and_of_many(self):
        chance = random.Random(6)
        tied = [[round(3 * chance.gauss(shift, 1)) for _ in range(n)]
                for n in (12, 20, 60) for shift in (0, 0.4, -0.4) for _ in range(10)]
        many = [[chance.gauss(shift, 1) for _ in range(n)] for n in (51, 200)
                for shift in (0, 0.1, -0.1) for _ in range(5)]
        self.compare_pairs([{"pairs": [d for d in p if d]} for p in tied + many], "approx")

    def test_pairs_that_are_equal_say_nothing(self):
        for pairs, same in ([0.0] * 12, None), ([0.0] * 3 + [1, -2, 3], [1, -2, 3]):
            answer, without = ask([{"pairs": pairs}, {"pairs": same or [0.0]}])
            self.assertEqual(answer["p"], without["p"])
        self.assertEqual(ask([{"pairs": [0.0] * 12}])[0]["p"], 1)

    def test_the_least_p_of_pairs(self):
        for n in 1, 5, 12, 30:
            answer, = ask([{"pairs": [-1.0 - i for i in range(n)]}])
            self.assertAlmostEqual(answer["least"], answer["p"], places=12)

    def test_all_values_equal_is_no_evidence(self):
        answer, = ask([{"a": [3.0] * 10, "b": [3.0] * 10, "resamples": 10, "seed": 1}])
        self.assertEqual((answer["p"], answer["low"], answer["high"]), (1, 1, 1))

    def test_the_least_p_is_that_of_separate_samples(self):
        sizes = [(5, 5), (10, 10), (7, 12), (50, 50), (60, 60)]
        questions = [{"a": list(range(1, n + 1)), "b": list(range(1001, 1001 + m)),
                      "resamples": 1, "seed": 1} for n, m in sizes]
        for answer in ask(questions):
            self.assertAlmostEqual(answer["p"] / answer["least"], 1, places=12)

    def test_bootstrap_interval(self):
        """Percentile intervals of NumPy's resamples: apart by no more than two of ours would be."""
        chance = random.Random(4)
        for n, m in ((10, 10), (20, 15), (51, 51)):
            question = pair(chance, n, m, 0.03)
            ours = ask([{**question, "resamples": 20000, "seed": seed} for seed in range(5)])
            result = scipy.stats.bootstrap(
                (question["b"], question["a"]), lambda b, a, axis: numpy.median(b, axis=axis) /
                numpy.median(a, axis=axis), vectorized=True, method="percentile",
                n_resamples=20000, random_state=numpy.random.default_rng(5)).confidence_interval
            for key in ("low", "high"):
                values = [answer[key] for answer in ours]
                near = max(5 * numpy.std(values), 5e-4)
                self.assertLess(abs(numpy.mean(values) - getattr(result, key)), near, (n, m, key))

    def test_bootstrap_repeats_itself(self):
        question = {**pair(random.Random(5), 10, 10), "resamples": 500}
        first, second = ask([question, question])
        self.assertEqual(first, second)

    def test_bootstrap_covers_the_truth(self):
        """A nominal 95 % interval of 20 values a side holds the true ratio in about that many."""
        chance = random.Random(6)
        answers = ask([{**pair(chance, 20, 20), "resamples": 500} for _ in range(1000)])
        inside = sum(a["low"] <= 1 <= a["high"] for a in answers)
        self.assertGreater(inside, 920)
        self.assertLess(inside, 985)

    def test_holm(self):
        chance = random.Random(7)
        lists = [[chance.random() ** 4 for _ in range(n)] for n in (0, 1, 2, 10, 100)]
        lists += [[0.01] * 5, [0, 0, 1, 1], [0.04, 0.01, 0.03, 0.02]]
        for p, answer in zip(lists, ask([{"holm": p} for p in lists])):
            for got, expected in zip(answer["holm"], holm(p), strict=True):
                self.assertAlmostEqual(got, expected, places=14)
        by_hand, = ask([{"holm": [0.04, 0.01, 0.03, 0.02]}])
        for got, expected in zip(by_hand["holm"], [0.06, 0.04, 0.06, 0.06]):
            self.assertAlmostEqual(got, expected)


class Mean(unittest.TestCase):
    def test_student(self):
        chance = random.Random(7)
        questions = [{"mean": [chance.gauss(5, 2) for _ in range(n)], "level": level}
                     for n in (2, 3, 4, 5, 10, 30, 31, 1000) for level in (0.5, 0.95, 0.999)]
        for question, answer in zip(questions, ask(questions)):
            values, level = question["mean"], question["level"]
            low, high = scipy.stats.t.interval(level, len(values) - 1, numpy.mean(values),
                                               scipy.stats.sem(values))
            self.assertAlmostEqual(answer["mean"], numpy.mean(values), places=12)
            # SciPy 1.10 finds its quantiles to eight digits only.
            self.assertLess(abs(answer["low"] - low), 1e-8 * (high - low))
            self.assertLess(abs(answer["high"] - high), 1e-8 * (high - low))

    def test_student_by_formula(self):
        """One and two degrees of freedom, where the quantile can be written down."""
        for level in (0.5, 0.95, 0.999):
            two, three = ask([{"mean": [3.0, 5.0], "level": level},
                              {"mean": [1.0, 2.0, 3.0], "level": level}])
            self.assertAlmostEqual(two["high"] - 4, math.tan(math.pi * level / 2), delta=1e-9)
            self.assertAlmostEqual(three["high"] - 2, math.sqrt(2 * level ** 2 / (1 - level ** 2) / 3),
                                   delta=1e-11)

    def test_equal_values(self):
        answer, = ask([{"mean": [0.1] * 5, "level": 0.95}])
        self.assertEqual([answer["mean"], answer["low"], answer["high"]], [0.1] * 3)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
