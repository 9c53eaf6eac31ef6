"""One step of an optimiser on all weights, PyTorch's `torch.optim.SGD` and `torch.optim.Adam`."""

from noisynames.training.compiled.interface import ADAM, SETTINGS
from noisynames.training.compiled.primitives import jit, leaf, square_root
from noisynames.training.compiled.products import dot

RATE, MOMENTUM, WEIGHT_DECAY, CLIP_NORM, FIRST_POWER, SECOND_POWER = range(len(SETTINGS))
FIRST, SECOND, EPSILON = 0.9, 0.999, 1e-8
"""Adam's decays, and the constant that keeps its denominator from 0: PyTorch's defaults."""


@leaf
def _scale(x, factor):
    for i in range(x.size):
        x[i] *= factor


@leaf
def _decay(gradients, weights, decay):
    for i in range(weights.size):
        gradients[i] += decay * weights[i]


@leaf
def _sgd(weights, gradients, velocity, rate, momentum):
    for i in range(weights.size):
        velocity[i] = momentum * velocity[i] + gradients[i]
        weights[i] -= rate * velocity[i]


@leaf
def _adam(weights, gradients, mean, square, step, first, second, root, epsilon):
    for i in range(weights.size):
        g = gradients[i]
        mean[i] += (g - mean[i]) * first
        square[i] += (g * g - square[i]) * second
        weights[i] -= step * mean[i] / (square_root(square[i]) / root + epsilon)


@jit
def optimise(kind, weights, gradients, mean, square, settings):
    """Clip the gradients' norm, add the decay, and do one step.

    The norm is clipped as by `torch.nn.utils.clip_grad_norm_`, and the decay is `weight_decay`
    times the weights (added to the gradient). With Adam, `settings` holds the powers of both
    decays, which each step advances.
    """
    real = type(weights[0])
    if settings[CLIP_NORM] > 0:
        norm = square_root(dot(gradients, gradients))
        factor = real(settings[CLIP_NORM]) / (norm + real(1e-6))
        if factor < 1:
            _scale(gradients, factor)
    if settings[WEIGHT_DECAY] != 0:
        _decay(gradients, weights, real(settings[WEIGHT_DECAY]))
    if kind == ADAM:
        settings[FIRST_POWER] *= FIRST
        settings[SECOND_POWER] *= SECOND
        _adam(
            weights,
            gradients,
            mean,
            square,
            real(settings[RATE] / (1 - settings[FIRST_POWER])),
            real(1 - FIRST),
            real(1 - SECOND),
            real(square_root(1 - settings[SECOND_POWER])),
            real(EPSILON),
        )
    else:
        _sgd(weights, gradients, mean, real(settings[RATE]), real(settings[MOMENTUM]))
