"""scikit-learn's conventions for what is fitted, for classes that scoring loads.

`sklearn.base` has base classes for them; to import it takes half a second, a ninth of the time in
which ten samples were scored, and scoring uses nothing else of scikit-learn. What is derived from
the classes here is cloned, searched over and cross-validated by scikit-learn as its own are.
"""

from __future__ import annotations

import inspect
import reprlib
from typing import TYPE_CHECKING, Any, Self

if TYPE_CHECKING:
    from sklearn.utils import Tags


class Estimator:
    """Parameters are those of ``__init__``, which keeps each under its name and does no more.

    Statistics that `fit` learns have names that end with an underscore.
    """

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """Parameters by name, in the order of the alphabet; `deep` changes nothing."""
        return {name: getattr(self, name) for name in self._parameters()}

    def set_params(self, **parameters: Any) -> Self:
        """Set some parameters.

        Raises
        ------
        ValueError
            If there is no such parameter.
        """
        for name, value in parameters.items():
            if name not in self._parameters():
                raise ValueError(
                    f"{type(self).__name__} has no parameter {name!r}; choose from "
                    f"{', '.join(self._parameters())}"
                )
            setattr(self, name, value)
        return self

    @classmethod
    def _parameters(cls) -> list[str]:
        """Names of the parameters, in the order of the alphabet."""
        if cls.__init__ is object.__init__:
            return []
        _, *parameters = inspect.signature(cls.__init__).parameters
        return sorted(parameters)

    def __repr__(self) -> str:
        given = (f"{name}={reprlib.repr(value)}" for name, value in self.get_params().items())
        return f"{type(self).__name__}({', '.join(given)})"

    def __sklearn_tags__(self) -> Tags:
        """What scikit-learn may expect of the estimator; asked for by scikit-learn alone."""
        from sklearn.utils import Tags, TargetTags

        return Tags(estimator_type=None, target_tags=TargetTags(required=False))

    def _require_fitted(self, statistic: str) -> None:
        """Refuse to go on before `fit` has learned a statistic.

        Raises
        ------
        sklearn.exceptions.NotFittedError
        """
        if not hasattr(self, statistic):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError(f"this {type(self).__name__} has learned nothing yet; call fit")


class Transformer(Estimator):
    """What makes a table of features; derived classes have `fit` and `transform`."""

    def fit_transform(self, X: Any, y: Any = None) -> Any:
        """Fit to `X`, and transform it."""
        return self.fit(X, y).transform(X)  # type: ignore[attr-defined]

    def __sklearn_tags__(self) -> Tags:
        """Those of a transformer."""
        from sklearn.utils import TransformerTags

        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags()
        return tags


class Regressor(Estimator):
    """What predicts a number for each row; derived classes have `fit` and `predict`."""

    def score(self, X: Any, y: Any, sample_weight: Any = None) -> float:
        """Share of the variance of `y` that the predictions explain (R²)."""
        from sklearn.metrics import r2_score

        predicted = self.predict(X)  # type: ignore[attr-defined]
        return float(r2_score(y, predicted, sample_weight=sample_weight))

    def __sklearn_tags__(self) -> Tags:
        """Those of a regressor."""
        from sklearn.utils import RegressorTags

        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.regressor_tags = "regressor", RegressorTags()
        tags.target_tags.required = True
        return tags
