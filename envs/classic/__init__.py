"""Classic control: the tasks of Gymnasium that have a compiled form here."""

from ..compiled import Task
from .acrobot import ACROBOT
from .cartpole import CARTPOLE
from .mountain_car import MOUNTAIN_CAR, MOUNTAIN_CAR_CONTINUOUS
from .pendulum import PENDULUM

TASKS: dict[str, Task] = {
    "CartPole-v1": CARTPOLE,
    "Acrobot-v1": ACROBOT,
    "MountainCar-v0": MOUNTAIN_CAR,
    "MountainCarContinuous-v0": MOUNTAIN_CAR_CONTINUOUS,
    "Pendulum-v1": PENDULUM,
}
