"""A model against responses that were measured elsewhere: how good it is there, and for whom.

`pairs` asks the model about the lines of another study, those that it has learned from answered by
the models of the folds that had not seen them; `accuracy` judges the answers by drug, lineage,
modalities and HER2; `screens` says how well laboratories agree, which is the ceiling; `ablation`
what a modality is worth; `evaluation` puts it together and writes it.
"""

__all__ = [
    "ablation",
    "accuracy",
    "evaluation",
    "pairs",
    "screens",
]
