"""Where the public data behind the sample companies is, and the folder of the share in which their contracts look.

Fetching it is `services/remotes/data_sets.py`'s.
"""

from typing import NamedTuple

KAGGLE = "https://www.kaggle.com/api/v1/datasets/download"


class PublicData(NamedTuple):
    """A public data set: an archive of text files, given to who has a token."""

    url: str
    folder: str


PUBLIC_DATA = {
    "f1": PublicData(f"{KAGGLE}/rohanrao/formula-1-world-championship-1950-2020", "f1"),
    "crm": PublicData(f"{KAGGLE}/innocentmfa/crm-sales-opportunities", "crm"),
}
