"""What models have in common: a configuration, a folder to be saved in and read from, and what they return."""
from __future__ import annotations

import dataclasses
import json
import os
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from .. import backend, errors, nn, serialize
from ..functions.random import manual_seed
from ..serialize.replace import replacing

C = TypeVar("C", bound="PretrainedConfig")
M = TypeVar("M", bound="PreTrainedModel")


def set_seed(seed: int) -> None:
    """Begin all random numbers anew: Python's, NumPy's and ours."""
    random.seed(seed)
    backend.host.random.seed(seed)
    manual_seed(seed)


# ---- folders ----------------------------------------------------------------------------------------------------
def folder_of(name_or_path: Any) -> Path:
    """The folder of a model: a path; or a name such as "gpt2", if transformers has fetched it to this machine before.

    Raises OSError if there is none.  Nothing is fetched here.
    """
    if not isinstance(name_or_path, (str, os.PathLike)):
        raise TypeError(f"from_pretrained takes the path of a folder, or the name of a model, got {type(name_or_path).__name__}")
    path = Path(name_or_path)
    if path.is_dir():
        return path
    if path.exists():
        raise OSError(f"from_pretrained takes the folder that {path.name} is in, and {str(path)!r} is a file")
    home = Path(os.environ.get("HF_HOME") or Path.home() / ".cache" / "huggingface")
    hub = Path(os.environ.get("HF_HUB_CACHE") or home / "hub")
    for name in (str(name_or_path), f"openai-community/{name_or_path}"):
        kept = hub / f"models--{name.replace('/', '--')}"
        main = kept / "refs" / "main"
        if main.is_file() and (snapshot := kept / "snapshots" / main.read_text().strip()).is_dir():
            return snapshot
    raise OSError(f"from_pretrained: there is no folder {str(name_or_path)!r}, and no model of that name in {str(hub)!r}.  Nothing "
                  "is fetched here: where there is a network, transformers' model.save_pretrained(folder) and "
                  "tokenizer.save_pretrained(folder) write the folder that is asked for")


def read_json(path: Path) -> Any:
    """What is in a file of JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise errors.BadFile(f"{str(path)!r} cannot be read: {error}") from error


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace a file by one with this content, in one step."""
    with replacing(str(path)) as file:
        file.write((json.dumps(content, indent=2, ensure_ascii=False, sort_keys=True) + "\n").encode())


# ---- configurations ---------------------------------------------------------------------------------------------
@dataclass(kw_only=True)
class PretrainedConfig:
    """The numbers that a model is built from, as config.json has them.  `others` is what is in that file besides: it is kept."""
    model_type = ""
    others: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_dict(cls: type[C], values: dict[str, Any]) -> C:
        """From what config.json says."""
        kind = values.get("model_type", cls.model_type)
        if kind != cls.model_type:
            raise errors.WrongValue(f"{cls.__name__}: this configuration is of a {kind!r}, and a {cls.model_type!r} was expected")
        names = {each.name for each in dataclasses.fields(cls)} - {"others"}
        own = {name: value for name, value in values.items() if name in names}
        others = {name: value for name, value in values.items() if name not in names and name != "model_type"}
        return cls(**own, others=others)

    @classmethod
    def from_pretrained(cls: type[C], pretrained_model_name_or_path: Any) -> C:
        """From the config.json in a folder: see `folder_of`."""
        return cls.from_dict(read_json(folder_of(pretrained_model_name_or_path) / "config.json"))

    def to_dict(self) -> dict[str, Any]:
        values = {each.name: getattr(self, each.name) for each in dataclasses.fields(self) if each.name != "others"}
        return {**self.others, **values, "model_type": self.model_type}

    def save_pretrained(self, save_directory: Any) -> None:
        """Write config.json into a folder."""
        folder = Path(save_directory)
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / "config.json", self.to_dict())


# ---- models -----------------------------------------------------------------------------------------------------
new_weights = True


@contextmanager
def no_init_weights() -> Iterator[None]:
    """Models that are made meanwhile draw no weights, as others are to come: for large ones that takes seconds."""
    global new_weights
    before, new_weights = new_weights, False
    try:
        yield
    finally:
        new_weights = before


class PreTrainedModel(nn.Module):
    """A network with its configuration, which is saved as a folder of config.json and model.safetensors."""
    config_class: type[PretrainedConfig]
    base_model_prefix = ""                                      # what the names of weights begin with, if there is a head
    tied: dict[str, str] = {}                                   # names of weights that are another's: not saved

    def __init__(self, config: Any) -> None:
        super().__init__()
        if not isinstance(config, self.config_class):
            raise TypeError(f"{type(self).__name__} takes a {self.config_class.__name__}, got {type(config).__name__}: weights "
                            f"from a folder come by {type(self).__name__}.from_pretrained(folder)")
        self.config = config

    @classmethod
    def from_pretrained(cls: type[M], pretrained_model_name_or_path: Any, *, config: Any = None) -> M:
        """The model that is saved in a folder (or was fetched by transformers under that name: see `folder_of`), in eval mode.

        The folder has config.json, and model.safetensors or pytorch_model.bin.  config: another in place of that file's.
        Weights of half precision become float32.
        """
        folder = folder_of(pretrained_model_name_or_path)
        with no_init_weights():
            model = cls(cls.config_class.from_pretrained(folder) if config is None else config)
        for name in ("model.safetensors", "pytorch_model.bin"):
            if (folder / name).is_file():
                model.load_published(serialize.load(folder / name), str(folder / name))
                model.eval()
                return model
        shards = " (its weights are in several files, which are not read here)" if list(folder.glob("*.index.json")) else ""
        raise OSError(f"{cls.__name__}.from_pretrained: {str(folder)!r} has no model.safetensors and no pytorch_model.bin{shards}")

    def load_published(self, weights: dict[str, Any], file: str) -> None:
        """Take weights by their names, which may lack, or have too much of, the prefix of the model without a head."""
        own, prefix = self.state_dict(), self.base_model_prefix + "."
        found = {}
        for name, value in weights.items():
            others = prefix + name, name.removeprefix(prefix)
            name = next((each for each in (name, *others) if each in own), name)
            if name in own or not self.not_a_weight(name):
                found[name] = value.float() if str(value.dtype) == "float16" else value
        for name, source in self.tied.items():
            if name not in found and source in found:
                found[name] = found[source]
        unused = [name for name in found if name not in own]
        if unused and not set(own) - set(found):                # a head that this model does not have, perhaps
            warnings.warn(f"{file}: {type(self).__name__} has no place for {', '.join(unused[:3])}"
                          f"{' …' * (len(unused) > 3)}, of {len(found)} weights: left out", stacklevel=3)
            found = {name: value for name, value in found.items() if name in own}
        try:
            self.load_state_dict(found)
        except RuntimeError as error:
            error.args = (f"{file}: {error.args[0]}",)
            raise

    def post_init(self) -> None:
        """New weights, unless others are to come."""
        if new_weights:
            for name, parameter in self.named_parameters():
                self.init_weight(name, parameter)

    def init_weight(self, name: str, parameter: nn.Parameter) -> None:
        """Draw a weight."""
        raise NotImplementedError

    def not_a_weight(self, name: str) -> bool:
        """Whether an older file has under that name what is no weight: masks, for example."""
        return False

    def save_pretrained(self, save_directory: Any) -> None:
        """Write config.json and model.safetensors into a folder, as transformers does, which reads them."""
        folder = Path(save_directory)
        self.config.others = {**self.config.others, "architectures": [type(self).__name__]}
        self.config.save_pretrained(folder)
        weights = {name: value for name, value in self.state_dict().items() if name not in self.tied}
        serialize.save(weights, folder / "model.safetensors")

    def num_parameters(self, only_trainable: bool = False) -> int:
        """How many numbers the parameters have together; what two layers share counts once."""
        return sum(p.numel() for p in self.parameters() if p.requires_grad or not only_trainable)

    @property
    def device(self) -> Any:
        return next(self.parameters()).device


class ModelOutput(dict[str, Any]):
    """What a model returns: by name, as outputs.logits or outputs["logits"]; or by number, where None is left out."""

    def __init__(self, **values: Any) -> None:
        super().__init__({name: value for name, value in values.items() if value is not None})
        self._missing = {name for name in values if name not in self}

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        if not name.startswith("_") and name in self._missing:
            return None
        raise AttributeError(f"this output has {', '.join(self)}; no {name!r}")

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) if isinstance(key, str) else self.to_tuple()[key]

    def to_tuple(self) -> tuple[Any, ...]:
        return tuple(self.values())
