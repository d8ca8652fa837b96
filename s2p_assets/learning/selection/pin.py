"""A person's decision on who is champion of a contest. What is made of it is for `promotion.py`."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Pin:
    """A person's decision on who is champion. Until it is released, no test changes it.

    `model`: the newest version of it, unless `version` names one. `at`: ISO time. `by`, `because`: who and why.
    """

    model: str
    version: str | None
    by: str
    because: str
    at: str

    @property
    def description(self) -> str:
        which = f"{self.model}, version {self.version}" if self.version else self.model
        return f"{self.by} set {which} on {self.at[:16].replace('T', ' ')}: {self.because}"
