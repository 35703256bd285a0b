"""How long `import tinygrad_like` takes beyond NumPy, in a new process whose files are compiled already.

    python benchmarks/import_time.py [--repeat 20]
"""
import os
import statistics
import subprocess
import sys
import tempfile

import environment

CODE = "import time, numpy; t = time.perf_counter(); import tinygrad_like; print(time.perf_counter() - t)"


def main():
    parser = environment.parser(__doc__)
    parser.add_argument("--repeat", type=environment.count, default=20)
    repeat = parser.parse_args().repeat
    with tempfile.TemporaryDirectory() as compiled:
        settings = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        times = [1000 * float(subprocess.run([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True, check=True,
                                             env=settings).stdout) for _ in range(repeat + 1)][1:]
    print(f"import tinygrad_like, beyond NumPy: {min(times):.0f} ms at best, {statistics.median(times):.0f} ms in the median "
          f"of {repeat}")


if __name__ == "__main__":
    environment.run(main)
