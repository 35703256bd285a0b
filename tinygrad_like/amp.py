"""Where PyTorch's scripts switch mixed precision on or off.  There is none here: what is switched off runs, and on raises."""
from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .optim import Optimizer
    from .tensor import Tensor

__all__ = ["autocast", "GradScaler"]


def check_off(name: str, enabled: bool) -> None:
    if enabled:
        raise NotImplementedError(f"{name}: there is no mixed precision here, everything is computed in the type of its operands: "
                                  f"leave {name} out, or write {name}(…, enabled=False)")


class autocast(contextlib.ContextDecorator):
    """`with autocast("cuda", enabled=False):` changes nothing.  Everything is computed in the type of its operands."""

    def __init__(self, device_type: str, dtype: Any = None, enabled: bool = True, cache_enabled: bool | None = None) -> None:
        check_off("autocast", enabled)

    def __enter__(self) -> autocast:
        return self

    def __exit__(self, *error: Any) -> None:
        pass


class GradScaler:
    """With enabled=False, which alone is offered: losses and gradients stay as they are, and `step` calls `optimizer.step`."""

    def __init__(self, device: str = "cuda", init_scale: float = 65536.0, growth_factor: float = 2.0, backoff_factor: float = 0.5,
                 growth_interval: int = 2000, enabled: bool = True) -> None:
        check_off("GradScaler", enabled)

    def scale(self, outputs: Tensor) -> Tensor:
        """The loss, as it is."""
        return outputs

    def unscale_(self, optimizer: Optimizer) -> None:
        """Nothing: gradients were not scaled."""

    def step(self, optimizer: Optimizer, *args: Any, **kwargs: Any) -> Any:
        """optimizer.step(…)"""
        return optimizer.step(*args, **kwargs)

    def update(self, new_scale: Any = None) -> None:
        """Nothing: there is no scale."""

    def is_enabled(self) -> bool:
        return False

    def get_scale(self) -> float:
        return 1.0

    def state_dict(self) -> dict[str, Any]:
        return {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Nothing: there is no state."""
