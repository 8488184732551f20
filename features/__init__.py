"""What a sample looks like: studies, what is known of genes and drugs, features, mechanisms.

Rooms from the ground up: `files` knows bytes and tables, `knowledge` the literature, `study` a
study folder, `builders` make features of it, `mechanisms` score and name what they mean, `assays`
fits curves to plates, `synergy` judges pairs of drugs, `perturbation` reads arrays under drug,
`cells` tables of single cells and `points` positions of labels on them, `pairs` holds two biopsies
of a patient against each other; `archives` unpack studies, `downloads` fetches them, `originals`
reads files as they are published, `merging` joins studies, and `simulation` makes them up. It
imports nothing of the other folders.
"""
