"""Measuring: arrays in, numbers with intervals out. Nothing here knows of models, attacks or files.

    estimate   an estimate with its interval, or a figure withheld; exact and bootstrap intervals
    roc        the ROC curve, AUC, TPR at a fixed FPR, advantage, balanced accuracy
    epsilon    lower bounds on epsilon from many independent trials
    one_run    lower bounds on epsilon from one training run with canaries
    guesses    guesses right or wrong beside those without the model: gain and leak
    risk       whose records are exposed: likelihood ratios, posteriors, counts, groups

One convention everywhere: a higher score means "more likely a member".
"""
