from .boosting import Boosting as Boosting
from .combination import Combination as Combination
from .moving_average import MovingAverage as MovingAverage
from .prophet_total import ProphetTotal as ProphetTotal
from .seasonal_naive import SeasonalNaive as SeasonalNaive
from .smoothing import Smoothing as Smoothing
from .weighted_combination import WeightedCombination as WeightedCombination
