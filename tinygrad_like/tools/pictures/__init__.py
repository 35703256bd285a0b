"""Pictures of what a network does: on what its answers rest, what is inside, how its training went.

Computed here, as tensors, from their definitions:

    saliency, integrated_gradients, grad_cam, occlusion         which parts of an input speak for an answer: attribution.py
    feature_maps, filters, attention_maps, attention_rollout, weight_histograms, gradient_histograms      inside.py

and drawn by matplotlib (pip install 'tinygrad_like[plot]'): draw.py.  All of it is at `tinygrad_like.pictures`:

    from tinygrad_like import pictures

    heat = pictures.grad_cam(model, "features.3", images)
    pictures.draw_heat(images, {"Grad-CAM": heat}).save("heat.png")

Nothing here leaves a trace: the model's modes, buffers and gradients, its hooks and the random state are afterwards as before.
"""
from .attribution import (
    grad_cam as grad_cam,
    integrated_gradients as integrated_gradients,
    occlusion as occlusion,
    saliency as saliency,
)
from .draw import (
    Picture as Picture,
    draw_attention as draw_attention,
    draw_curves as draw_curves,
    draw_feature_maps as draw_feature_maps,
    draw_filters as draw_filters,
    draw_heat as draw_heat,
    draw_histograms as draw_histograms,
)
from .inside import (
    Histogram as Histogram,
    attention_maps as attention_maps,
    attention_rollout as attention_rollout,
    feature_maps as feature_maps,
    filters as filters,
    gradient_histograms as gradient_histograms,
    weight_histograms as weight_histograms,
)
