# %% [markdown]
"""
# How do you retrain, and what replaces the champion?

A new screen has arrived, a setting is in doubt, an assay may be dropped: you train again, and
have two models. This page asks whether the second is better, on the same held-out lines, and
who decides which one is in use.

**All data on this page are simulated.** It goes on in the folder of [the first
page](01_train_on_a_study.md), which registered version 1 of `her2-sim`.
"""

# %%
from sidestep.main import cli

# %% [markdown]
# ## Can we do without RPPA?
#
# Protein arrays cost money. So we retrain on everything else, with the same lines, drugs, folds
# and seed, and register the result under the same name:
#
# ```sh
# sidestep train studies/breast_sim --response gi50 --drugs Lapatinib,Everolimus,SIMNULL-1 \
#     --folds 4 --trials 0 --modalities expression,mutation,copy_number --register her2-sim
# ```

# %%
cli(
    "train studies/breast_sim --response gi50 --drugs Lapatinib,Everolimus,SIMNULL-1 --folds 4"
    " --trials 0 --modalities expression,mutation,copy_number --jobs 1 --register her2-sim"
    " --quiet".split(),
    standalone_mode=False,
)

# %% [markdown]
# Version 2 is kept, with its record and its model card, and passed the gate: it is as good as its
# best baseline. But it is worse than version 1 on the lines that both held out, and so does not
# become champion.
#
# A version that passes the gate becomes champion if it is better than the best version there was,
# on the lines that both held out; or if it is shown to be no more than 0.02 in mean r worse and has
# learned from more lines. So a new screen, trained into the same name, takes over by itself once it
# is shown to be as good, and no row of champions, each a little worse, can lead down.
#
# ## Where does the difference lie?
#
# ```sh
# sidestep compare her2-sim/1 her2-sim/2
# ```

# %%
cli("compare her2-sim/1 her2-sim/2".split(), standalone_mode=False)

# %% [markdown]
# Read it drug by drug. Lapatinib hardly changes: RNA and copy number see the HER2 amplicon as
# well as protein does. Everolimus loses nearly everything, since PI3K/AKT/MTOR shows above all in
# phosphorylated AKT and S6, which only RPPA measures. So the answer is: without RPPA, drop
# everolimus from the panel.
#
# Interval and probability are those of a bootstrap over donors; both runs held out the same lines.
# Two r in two tables, with overlapping intervals, would not have shown it.
#
# ## A person decides
#
# Somebody may have a reason to use version 2, such as a cohort without any RPPA and no interest in
# everolimus. A version that passed the gate can be promoted without a word; one that failed it only
# with `--force`, which stays on its record. What a person chose is what later versions are held
# against:

# %%
cli("promote her2-sim 2".split(), standalone_mode=False)

# %% [markdown]
# And when it turns out to have been a mistake, the version before is one word away. Jobs that
# score with `models:/her2-sim@champion` use it from their next start:

# %%
cli("rollback her2-sim".split(), standalone_mode=False)

# %% [markdown]
# This was the last page. [Back to the list](README.md).
