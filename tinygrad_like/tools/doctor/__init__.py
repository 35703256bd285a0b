"""The training doctor: what is wrong with a training, why it matters, and the one line that mends it.

    print(doctor(model, nn.CrossEntropyLoss(), optimizer, (x, y)))          before a training, on one batch

    with TrainingDoctor():                                                  during a loop of one's own: warnings
        …
    model.fit(x, y, callbacks=[TrainingDoctor()])                           during `fit`

    find_lr(model, nn.CrossEntropyLoss(), optimizer, loader).plot("lr.png") how the loss goes with the learning rate
"""
from .checkup import doctor as doctor
from .findings import DoctorWarning as DoctorWarning, Finding as Finding, Report as Report
from .rates import LearningRates as LearningRates, find_lr as find_lr
from .watching import TrainingDoctor as TrainingDoctor

__all__ = ["doctor", "TrainingDoctor", "find_lr", "Finding", "Report", "LearningRates", "DoctorWarning"]
