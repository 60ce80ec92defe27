"""Cells of a table, side by side: each in a process of its own, whose id names its namespaces and
whose end takes them down."""
import concurrent.futures
import multiprocessing

import lab

# (heading, our role, who is behind the NAT)
COLUMNS = [("initiator", "initiate", None), ("responder", "respond", None),
           ("initiator, NAT", "initiate", "ours"), ("responder, NAT", "respond", "peer")]
RUNNING = set()  # the processes of cells


def _inside(pipe, function, args):
    lab.end_on_sigterm()
    pipe.send(function(*args))


def run(function, *args):
    """function(*args) in a process; (what the table says, more)."""
    ours, its = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=_inside, args=(its, function, args))
    process.start()
    RUNNING.add(process)
    its.close()
    try:
        return ours.recv()
    except EOFError:
        return "FAILED", "the cell was ended"
    finally:
        process.join()
        RUNNING.discard(process)


def run_all(pool, function, calls):
    """One result for each list of arguments in `calls`, as many at once as the pool has threads."""
    try:
        return list(pool.map(lambda args: run(function, *args), calls))
    except SystemExit:  # we are to end; the pool waits for its cells, which end when told to
        for process in list(RUNNING):
            process.terminate()
        raise


def pool(jobs):
    return concurrent.futures.ThreadPoolExecutor(jobs)
