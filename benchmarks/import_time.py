"""How long `import tinygrad_like` takes beyond NumPy, in a new process whose files are compiled already.

    python benchmarks/import_time.py [--repeat 20]
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile

CODE = "import time, numpy; t = time.perf_counter(); import tinygrad_like; print(time.perf_counter() - t)"


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--repeat", type=int, default=20)
    repeat = options.parse_args().repeat
    with tempfile.TemporaryDirectory() as compiled:
        environment = {**os.environ, "PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        times = [1000 * float(subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=True,
                                             env=environment).stdout) for _ in range(repeat + 1)][1:]
    print(f"import tinygrad_like, beyond NumPy: {min(times):.0f} ms at best, {statistics.median(times):.0f} ms in the median "
          f"of {repeat}")


if __name__ == "__main__":
    main()
