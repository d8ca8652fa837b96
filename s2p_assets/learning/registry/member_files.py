"""The members of a mean of several learners, each in a folder of its own, and back.

What a single learner writes is its own business, in the words of `learner_files.py`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from s2p_assets.contracts.model import Learner
from s2p_assets.learning.registry.learner_files import ModelDamaged

L = TypeVar("L", bound=Learner)


def write_members(folder: Path, members: Sequence[Learner]) -> None:
    for at, member in enumerate(members):
        (folder / str(at)).mkdir()
        member.save(folder / str(at))


def read_members(
    folder: Path, parameters: Mapping[str, Any], kinds: Mapping[str, type[L]], holder: str
) -> tuple[L, ...]:
    """The members as they were written, of `kinds` by name.

    `parameters`: as of `read_plain`. `holder`: what people call whatever holds them. Raises ModelDamaged.
    """
    names = [member["kind"] for member in parameters["members"]]
    if unknown := [name for name in names if name not in kinds]:
        raise ModelDamaged(f"{folder}: holds {', '.join(unknown)}, which no {holder} holds; train the model again")
    return tuple(kinds[name].load(folder / str(at)) for at, name in enumerate(names))
