"""The paper's claims (arXiv:1703.00810), one module for each section. A claim declares together its wording, the data
that it needs, its thresholds and its judge. `standard` judges them on the presets, `judging` on any ensembles.
"""
