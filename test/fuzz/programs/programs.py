#!/usr/bin/env python3
"""Compiles and runs random programs and compares them with an evaluation of their own.

Prints what it finds, writes each finding to a folder as a small program, and exits
with 1 if there is one. The same seed gives the same program, data and batches.
"""
import argparse, itertools, math, multiprocessing, os, queue, re, resource, sys, time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1") # The tensors are small.
os.environ.setdefault("NNC_STRICT", "1") # A schedule left aside is a finding.
import numpy as np

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from check import Checker, Counts, Finding, Undefined
from evaluate import NoEvaluation, Value
from generate import Generator
from primitives import PRIMITIVES
from program import Program
from server import Server, ServerDied
from shrink import shrink

# For each worker.
MOST_BYTES = 6 << 30
LEVELS = ["x86-64-v2", "x86-64-v3", "x86-64-v4"]


def cpu_targets():
    """This machine, and what else it can run."""
    with open("/proc/cpuinfo") as file:
        flags = set(re.search(r"^flags\s*:(.*)$", file.read(), re.M)[1].split())
    levels = LEVELS[:3 if "avx512vl" in flags else 2 if {"avx2", "fma"} <= flags else 1]
    return ["cpu+reference", *(f"cpu:{level}" for level in levels)]


def targets_of(names, seed):
    """`cpu` stands for this machine and, in turn, one other way to run on it."""
    targets = []
    for name in names:
        targets.append(name)
        if name == "cpu":
            others = cpu_targets()
            targets.append(others[seed % len(others)])
    return targets


class FixedProgram(Program):
    """One from a file, which is not taken apart."""

    def __init__(self, text):
        super().__init__()
        self.fixed = text

    def text(self):
        return self.fixed


class Crash(Exception):
    """The compiler crashes on `program`, which is half drawn."""

    def __init__(self, program):
        self.program = program


class Worker:
    """Checks programs one after another with a server of its own."""

    def __init__(self, options):
        self.options = options
        self.server = Server(options.program)
        self.ops = self.server.ask("ops")["ops"]

    def types(self, program):
        try:
            return self.server.ask("check", text=program.text()).get("outputs")
        except ServerDied:
            raise Crash(program)

    def check(self, program, seed, targets):
        """The first finding or None, and what was counted."""
        checker = Checker(self.server, program.text(), seed, program.gradients)
        try:
            checker.prepare()
            if not self.options.plant:
                checker.check_composites()
                checker.check_gradients()
            for target in targets:
                checker.check_target(target)
        except Finding as finding:
            return finding, checker.counts
        except Undefined:
            pass
        except MemoryError:
            print(f"seed {seed}: its evaluation does not fit into memory", file=sys.stderr, flush=True)
        except (ArithmeticError, LookupError, TypeError, ValueError, NoEvaluation) as error:
            # A fault of the evaluation is one too, and goes on with the next program.
            return Finding("evaluation", f"{type(error).__name__}: {error}"), checker.counts
        return None, checker.counts

    def draw(self, seed):
        """The program of a seed: the first that has something to train."""
        for attempt in range(10):
            rng = np.random.default_rng([seed, attempt])
            try:
                program = Generator(rng, self.ops, self.types).generate()
                answer = self.server.ask("expand", text=program.text(), gradients=True)
            except Crash as crash:
                return crash.program
            except ServerDied:
                return program
            if "depends on no parameter" not in answer.get("error", ""):
                break
        return program

    def run(self, seed):
        program = self.draw(seed)
        targets = targets_of(self.options.targets, seed)
        finding, counts = self.check(program, seed, targets)
        if finding and self.options.shrink and not is_known(self.options, str(finding)):
            targets = [finding.target] if finding.target else []
            def fails(smaller):
                other, _ = self.check(smaller, seed, targets)
                return other is not None and other.key() == finding.key()
            program = shrink(program, fails, self.options.shrink)
            finding = self.check(program, seed, targets)[0] or finding
        return program, finding, counts


def is_known(options, message):
    return any(known in message for known in options.known)


def work(options, seeds, results):
    worker = Worker(options)
    # Arrays of the evaluation are in f64, and not fused.
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, MOST_BYTES))
    try:
        for seed in seeds:
            program, finding, counts = worker.run(seed)
            report = (program.text(), program.gradients, finding.target, str(finding)) if finding else None
            results.put((seed, report, counts))
    finally:
        worker.server.stop()
        results.put(None)


def seeds_of(options, job):
    end = time.time() + options.seconds if options.seconds else math.inf
    for seed in itertools.count(options.seed + job, options.jobs):
        if time.time() > end or options.count is not None and seed >= options.seed + options.count:
            return
        yield seed


def write_finding(options, seed, report):
    """A file with the program, how it failed, and the command that repeats it."""
    text, gradients, target, message = report
    os.makedirs(options.out, exist_ok=True)
    path = os.path.join(options.out, f"{seed}.nn")
    command = f"tools/fuzz programs --file {path} --seed {seed}" + (f" --targets {target}" if target else "")
    with open(path, "w") as file:
        said = "".join(f"// {line}\n" for line in message.splitlines())
        file.write(f"{said}// {command}{'' if gradients else ' --no-gradients'}\n{text}")
    return path


def run_all(options):
    results = multiprocessing.Queue()
    jobs = [multiprocessing.Process(target=work, args=(options, seeds_of(options, j), results), daemon=True)
            for j in range(options.jobs)]
    for job in jobs:
        job.start()
    total, programs, findings, known, running, begin = Counts(), 0, 0, 0, options.jobs, time.time()
    shown = begin
    while running:
        try:
            item = results.get(timeout=60)
        except KeyboardInterrupt:  # of the workers too
            break
        except queue.Empty:
            if any(job.exitcode for job in jobs):  # died without a word
                break
            continue
        if item is None:
            running -= 1
            continue
        seed, report, counts = item
        programs += 1
        total.add(counts)
        if report and is_known(options, report[3]):
            known += 1
        elif report:
            findings += 1
            print(f"seed {seed}: {report[3]}\n  {write_finding(options, seed, report)}", flush=True)
        # In place on a terminal, a line a minute in a log.
        if time.time() - shown > (0.5 if sys.stderr.isatty() else 60):
            shown = time.time()
            print(f"{programs} programs in {shown - begin:.0f} s, {findings} findings",
                  end="\r" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)
    seconds = time.time() - begin
    print(f"{programs} programs from seed {options.seed} on {', '.join(options.targets)} in {seconds:.0f} s: "
          f"{total.compared} of {total.elements} values compared, {total.gradients} slopes, {findings} findings"
          + (f", {known} known" if known else ""))
    for job in jobs:
        job.join()
    failures = sum(job.exitcode != 0 for job in jobs)
    if failures:
        print(f"{failures} workers failed")
    return findings + failures


def run_file(options):
    with open(options.file) as file:
        program = FixedProgram(file.read())
    program.gradients = not options.no_gradients
    finding, counts = Worker(options).check(program, options.seed, targets_of(options.targets, options.seed))
    print(finding or f"nothing found: {counts.compared} of {counts.elements} values compared")
    return finding is not None


def plant(name):
    """Makes the evaluation of an op wrong by 2^-12, which is to be found."""
    right = PRIMITIVES[name]
    def wrong(ev, op, *operands):
        y = right(ev, op, *operands)
        return Value(y.v * (1 + 2.0**-12), y.e, y.type)
    PRIMITIVES[name] = wrong


def main():
    parser = argparse.ArgumentParser(prog="tools/fuzz programs", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", nargs="?", type=float, help="for how long; by default until --count, or for a minute")
    parser.add_argument("--seed", type=int, default=0, help="of the first program (default: 0)")
    parser.add_argument("--count", type=int, help="how many programs at most")
    parser.add_argument("--targets", type=lambda text: text.split(","), default=["cpu"],
                        help="cpu (each level and --reference in turn), cpu+reference, cpu:x86-64-v3, sim, cuda, ...")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at a time")
    parser.add_argument("--out", default="build/fuzz-programs", help="folder for what is found")
    parser.add_argument("--shrink", type=float, default=60, help="seconds to make a finding smaller")
    parser.add_argument("--known", action="append", default=[], metavar="TEXT", help="findings with TEXT in them are counted alone")
    parser.add_argument("--file", help="check this program alone")
    parser.add_argument("--no-gradients", action="store_true", help="of --file, without the entry point `gradients`")
    parser.add_argument("--plant", choices=sorted(PRIMITIVES), metavar="OP", help="evaluate OP wrongly, to see that it is found")
    parser.add_argument("--program", default="build/bin/nnc-run-programs", help="the program that compiles and runs")
    options = parser.parse_args()
    if options.count is None and options.seconds is None:
        options.seconds = 60
    if options.plant:
        plant(options.plant)
    command = run_file if options.file else run_all
    sys.exit(1 if command(options) else 0)


if __name__ == "__main__":
    main()
