from .base_rate import BaseRate as BaseRate
from .boosting import Boosting as Boosting
from .forest import Forest as Forest
from .group_rate import GroupRate as GroupRate
from .known_rate import KnownRate as KnownRate
from .logistic import Logistic as Logistic
from .mean import Mean as Mean
from .threshold import Threshold as Threshold
