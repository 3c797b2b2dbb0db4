"""Pages, plots and machine-readable results of audits."""
