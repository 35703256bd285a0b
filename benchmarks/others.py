"""The workloads on engines that are not spelled as PyTorch is: tinygrad, MyGrad, HIPS autograd.  {engine: {workload: make}}

make() returns a step, as in workloads.py.
"""
WORKLOADS = {}
