"""Helpers for modules: gradients that are clipped, parameters as one vector."""
from .clip_grad import (clip_grad_norm_ as clip_grad_norm_, clip_grad_value_ as clip_grad_value_,
                        clip_grads_with_norm_ as clip_grads_with_norm_, get_total_norm as get_total_norm)
from .convert_parameters import parameters_to_vector as parameters_to_vector, vector_to_parameters as vector_to_parameters
