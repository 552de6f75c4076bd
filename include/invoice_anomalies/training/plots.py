"""The learning curve that is kept with each model."""

from pathlib import Path


def draw_learning(learning: dict[str, list[float]], path: Path) -> None:
    """Draw loss per epoch on training and held-out rows: a gap that widens is overfitting."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 3.5), layout="constrained")
    axes = figure.subplots()
    epochs = range(1, len(learning["loss"]) + 1)
    axes.plot(epochs, learning["loss"], label="training")
    axes.plot(epochs, learning["val_loss"], label="held out")
    axes.set(xlabel="epoch", ylabel="negative log likelihood per invoice", title="Learning")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    figure.savefig(path, dpi=110)
