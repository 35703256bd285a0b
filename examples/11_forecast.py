"""How warm will the sea be in the next six months?  Forecasts of El Niño, by networks and by simpler means, judged as time goes on.

The data are 61 years of monthly temperatures off Peru.  The seasons repeat: what is worth learning is the anomaly

    z_t = (temperature - mean of its calendar month) / deviation            positive for years in a strong El Niño

and the task: from z of the last 12 months, all of the next 6 at once.

    same month last year      what a shop takes for its demand                                        a naive forecast
    mean of the month         z = 0                                                                   a naive forecast
    the anomaly stays         z_{t+k} = z_{t-1}                                                       the best naive forecast
    linear autoregression     z_{t+k} = Σ_j w_kj z_{t-j} + b_k,  w by least squares                   no network
    MLP, LSTM                 z_{t+k} = z_{t-1} + network(z_{t-12} … z_{t-1})_k                       (SPEC MOD-02, MOD-08)

The networks need not find out that tomorrow is like today: they learn by how much it is not (a shortcut, as in example 5).

Time must not be shuffled into parts: with neighbouring months in training, June 1998 is no secret.  So we walk forward, as a
forecaster has to (M-03, M-07): to foretell five years, learn from the years before them, of which the last five say when to stop;
then move on by five years, and start again.  Means and deviations, too, come from the past alone.

    train 1950 to 1975 ————————— validate 1976 to 1980 — test 1981 to 1985
    train 1950 to 1980 ———————————————— validate 1981 to 1985 — test 1986 to 1990         … six times

An error counts only beside the error that costs nothing.  The networks beat every naive forecast, and are level with the linear
one: sixty years are 732 months, and a handful of El Niños.  There is not much more to learn from these numbers than w holds.
"""
import argparse

import numpy as np
from data import elnino

import tinygrad_like as tl
from tinygrad_like import metrics, nn, optim
from tinygrad_like.models import MLP
from tinygrad_like.training import EarlyStopping

PAST, AHEAD = 12, 6                    # months that a forecast looks at, and that it foretells
BLOCK = 60                             # months of a test part, and of a validation part


class MLPForecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.mlp = MLP([PAST, 32, AHEAD], nn.Tanh)

    def forward(self, z):                                       # (n, past)
        return z[:, -1:] + self.mlp(z)                          # (n, ahead)


class LSTMForecast(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 32, batch_first=True)
        self.linear = nn.Linear(32, AHEAD)

    def forward(self, z):                                       # (n, past)
        _, (h, _) = self.lstm(z.unsqueeze(2))                   # the state after the last month: (1, n, 32)
        return z[:, -1:] + self.linear(h[0])                    # (n, ahead)


def windows(z, start, end):
    """What is foretold lies in [start, end): the months before (n, past), those to foretell (n, ahead), and their numbers."""
    first = np.arange(max(start, PAST), end - AHEAD + 1)[:, None]
    ahead = first + np.arange(AHEAD)
    return tl.tensor(z[first + np.arange(-PAST, 0)]), tl.tensor(z[ahead]), ahead


def linear_autoregression(x, y):
    """The w that makes |x w - y|² smallest, where x has a column of ones more."""
    def wide(x):
        return tl.cat([x, tl.ones(len(x), 1)], 1)
    w = tl.linalg.lstsq(wide(x), y).solution
    return lambda x: wide(x) @ w


def trained(model, epochs, training, validation):
    model.compile(optim.Adam(model.parameters(), lr=2e-3), nn.MSELoss())
    stopping = EarlyStopping(patience=15, restore_best_weights=True)
    model.fit(*training, batch_size=32, epochs=epochs, verbose=0, validation_data=validation, callbacks=[stopping])
    return stopping.best_epoch + 1


def forecasts(temperature, month, test, epochs):
    """All forecasts for one block of months from `test` on, in °C: {name: (n, ahead)}, and the months foretold (n, ahead)."""
    past = slice(0, test - BLOCK)                                                           # the training part
    mean = np.array([temperature[past][month[past] == m].mean() for m in range(12)])[month]
    deviation = (temperature - mean)[past].std()
    z = ((temperature - mean) / deviation).astype("float32")

    x, y, _ = windows(z, 0, test - BLOCK)
    x_validation, y_validation, _ = windows(z, test - BLOCK, test)
    x_test, _, ahead = windows(z, test, test + BLOCK)
    linear = linear_autoregression(tl.cat([x, x_validation]), tl.cat([y, y_validation]))    # it has no use for a validation part
    z_of = {"mean of the month": np.zeros(ahead.shape), "the anomaly stays": np.repeat(z[ahead[:, :1] - 1], AHEAD, 1),
            "linear autoregression": linear(x_test).numpy()}
    best = []
    for name, model in ("MLP", MLPForecast()), ("LSTM", LSTMForecast()):
        best.append(f"{name} best after {trained(model, epochs, (x, y), (x_validation, y_validation)):3} epochs")
        z_of[name] = model.predict(x_test, verbose=0)
    print(f"{len(x)} windows to learn from, {', '.join(best)}", flush=True)
    return {"same month last year": temperature[ahead - 12]} | {
        name: z * deviation + mean[ahead] for name, z in z_of.items()}, ahead


def plot(path, years, temperature, found, ahead, errors):
    """The forecasts that were made three months before, and the error of each method, as a picture, if matplotlib is there."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        print("\nThe forecasts as a picture: pip install '.[plot]' brings matplotlib, which draws it")
        return
    figure = Figure(figsize=(11, 7), layout="constrained")
    above, below = figure.subplots(2)
    shown = ahead[:, 2]
    above.plot(years[shown], temperature[shown], color="black", label="measured")
    color = dict(zip(errors, ("tab:gray", "tab:brown", "tab:green", "tab:blue", "tab:orange", "tab:red")))
    for name in "same month last year", "linear autoregression", "LSTM":
        above.plot(years[shown], found[name][:, 2], color=color[name], lw=1, label=name)
    above.set(title="The test parts: forecasts made 3 months before", ylabel="°C")
    above.legend(ncols=4, fontsize="small")
    for name, error in errors.items():
        below.plot(np.arange(1, AHEAD + 1), error, marker="o", color=color[name], label=name)
    below.set(title="Error by how far ahead it is", xlabel="months ahead", ylabel="RMSE, °C", ylim=(0, None))
    below.legend(fontsize="small")
    figure.savefig(path, dpi=100)
    print(f"\nThe forecasts as a picture: {path}")


def main():
    parser = argparse.ArgumentParser(description="Foretell the temperature of the sea, six months ahead.")
    parser.add_argument("--epochs", type=int, default=150, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--plot", default="forecast.png", help="where the picture goes")
    parser.add_argument("--quick", action="store_true", help="the last two test parts, 20 epochs at most")
    args = parser.parse_args()
    tl.manual_seed(args.seed)

    years, month, temperature = elnino()
    first = len(temperature) - (2 if args.quick else 6) * BLOCK
    blocks = []
    for test in range(first, len(temperature), BLOCK):
        print(f"test {years[test]:.0f} to {years[test + BLOCK - 1]:.0f}: ", end="")
        blocks.append(forecasts(temperature, month, test, 20 if args.quick else args.epochs))
    ahead = np.concatenate([ahead for _, ahead in blocks])
    found = {name: np.concatenate([each[name] for each, _ in blocks]) for name in blocks[0][0]}

    print(f"\nRMSE in °C by months ahead{'':2}" + "".join(f"{k:7}" for k in range(1, AHEAD + 1)) + "    all")
    errors, whole = {}, {}
    for name, forecast in found.items():
        errors[name] = [metrics.root_mean_squared_error(forecast[:, k], temperature[ahead[:, k]]) for k in range(AHEAD)]
        whole[name] = metrics.root_mean_squared_error(forecast.reshape(-1), temperature[ahead].reshape(-1))
        print(f"{name:28}" + "".join(f"{error:7.2f}" for error in errors[name]) + f"{whole[name]:7.3f}")
    plot(args.plot, years + month / 12, temperature, found, ahead, errors)

    print("relative to the anomaly that stays: " + ", ".join(
        f"{name} {whole[name] / whole['the anomaly stays']:.3f}" for name in ("linear autoregression", "MLP")))
    print(f"error relative to the naive forecast {whole['LSTM'] / whole['the anomaly stays']:.4f}")


if __name__ == "__main__":
    main()
