"""Feature builders: one modality a file, frozen statistics, joined into one matrix."""

from features.builders.clinical import ClinicalBuilder
from features.builders.copy_number import CopyNumberBuilder
from features.builders.expression import ExpressionBuilder
from features.builders.joiner import FeatureJoiner
from features.builders.mutation import MutationBuilder
from features.builders.rppa import RppaBuilder

__all__ = [
    "ClinicalBuilder",
    "CopyNumberBuilder",
    "ExpressionBuilder",
    "FeatureJoiner",
    "MutationBuilder",
    "RppaBuilder",
]
