"""What evaluation measures and the gate and the report read: samples, figures, their statistics, published rows."""

from components.common.scores.figures import Cell, Figure, cell_values, compute_figures, read_figures
from components.common.scores.samples import RawReply, Sample, Score

__all__ = ["Cell", "Figure", "RawReply", "Sample", "Score", "cell_values", "compute_figures", "read_figures"]
