"""Features as scikit-learn's estimators take them: each category in a column, numbers filled and scaled or as they are.

Which columns are features is for `cases.py`.
"""

from typing import Any

from s2p_assets.learning.classification.cases import FeatureColumns

FEWEST_OF_A_CATEGORY = 20


def scaled(features: FeatureColumns) -> Any:
    """For linear models: missing numbers filled by the median, with a column that says so, and all of one scale."""
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return _encoded(features, make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()))


def unscaled(features: FeatureColumns) -> Any:
    """For trees, to which a missing number is a value of its own."""
    return _encoded(features, "passthrough")


def _encoded(features: FeatureColumns, numbers: Any) -> Any:
    """Categories that are rare or were never seen share a column; no native categories, which skops cannot hold."""
    from sklearn.compose import ColumnTransformer
    from sklearn.preprocessing import OneHotEncoder

    categories = OneHotEncoder(
        handle_unknown="infrequent_if_exist", min_frequency=FEWEST_OF_A_CATEGORY, sparse_output=False
    )
    return ColumnTransformer(
        [("numbers", numbers, list(features.numbers)), ("categories", categories, list(features.categories))]
    )
