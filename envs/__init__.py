"""Environments by id: independent seeded members in batches, score anchors, probe environments, exact models."""

from ..kernels import kernel
from . import probes
from .anchors import Anchors, anchors, measure_random_return, normalise
from .compiled import Task
from .exact import models as exact_models
from .make import describe, make
from .tasks import register
from .vector import Spec, Transition, VectorEnv

probes.register()
exact_models.register()

__all__ = [
    "Anchors",
    "Spec",
    "Task",
    "Transition",
    "VectorEnv",
    "anchors",
    "describe",
    "kernel",
    "make",
    "measure_random_return",
    "normalise",
    "register",
]
