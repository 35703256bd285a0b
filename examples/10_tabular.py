"""From a table as it comes to an F1 score: which loans will not be paid back?  A network beside two models that are older than it.

Each row of the table is a loan.  Before a network sees it, it is cleaned (SPEC §7): 475 values are missing, or written "ignore";
the greatest debt is 30,000, and most are 0; money, years and words stand side by side.  All that cleaning has to know (medians,
bounds, means and deviations, which words there are) is learned from the training rows, and only applied to the others: learned
from the whole table, it would tell the training something of the rows that are to judge it.

    logistic regression        z = w·x + b           L = mean of log(1 + e^-sz),    s = 1 for a loan that is lost, -1 for another
    support vector machine     z = w·x + b           L = mean of max(0, 1 - sz) + λ|w|²                                    (MOD-23)
    a network                  z = MLP(x)            L as in logistic regression                                       (MOD-02)

72 % of the loans are paid back, so "this one will be paid" is right in 72 % of the cases, and finds nothing.  Therefore (M-08; the
article takes precision for accuracy, and says that F1 joins accuracy and recall):

    precision = found and lost / found       recall = found and lost / lost                                                (F-16)
    F1 = 2 precision · recall / (precision + recall)

F1 needs a threshold, z > t.  It is chosen on the validation part, as is the epoch to stop at; the test part is looked at once.
The area under the ROC curve needs none: it is the chance that of one lost loan and one other, the lost one has the greater z.

The three end close together: the network's area is the greatest by about 0.01 whatever the seed, and whose F1 is, is luck.  In a
few thousand rows, and columns that people thought out, a linear model finds nearly all that there is: try it first.  (In pixels and
words it does not: examples 3 to 9.)
"""
import argparse

import numpy as np
from data import CREDIT

import tinygrad_like as tl
from tinygrad_like import metrics, nn, optim
from tinygrad_like.data.tabular import Categories, FillMissing, Outliers, Pipeline, Standardize, read_csv, to_tensor
from tinygrad_like.models import MLP
from tinygrad_like.training import EarlyStopping


def engineered(table):
    """The table without its label, and with what a lender would look at; and the label, 1 for a loan that is lost."""
    table = dict(table)
    label = (table.pop("Status") == "bad").astype("float32")
    for money in "Assets", "Debt":
        table[money] = np.log1p(table[money])                                               # log(1 + x): the great ones come nearer
    table["Lent part"] = table["Amount"] / table["Price"]
    table["Monthly rate"] = table["Amount"] / table["Time"]
    table["Left over"] = table["Income"] - table["Expenses"] - table["Monthly rate"]        # missing where the income is
    return table, label


def rows_of(table, rows):
    return {name: column[rows] for name, column in table.items()}


def cleaning():
    """The steps in their order; each is fitted on what the steps before it make of the training rows."""
    return Pipeline(
        Outliers("iqr", "clip", factor=3),          # no further than 3 (Q3 - Q1) from the quartiles; no bounds where they are equal
        Standardize(),                              # each column of numbers: mean 0, deviation 1
        FillMissing("median", indicator=True),      # and a column "Income_missing": of loans without an income, 57 % are lost
        Categories(unknown="ignore"))               # "Job" becomes "Job=fixed", "Job=freelance", …, of which one is 1


def hinge(output, target):
    """mean of max(0, 1 - sz): a row that is on its side of the margin costs nothing."""
    return (1 - (2 * target - 1) * output).relu().mean()


def best_threshold(scores, label):
    """The t with the greatest F1 of scores > t.  Between two neighbouring scores it makes no difference: only scores are tried."""
    return max(np.unique(scores), key=lambda t: metrics.f1_score(scores > t, label, zero_division=0))


def report(name, found, scores, label):
    print(f"{name:24}{metrics.accuracy(found, label):10.3f}{metrics.precision(found, label, zero_division=0):11.3f}"
          f"{metrics.recall(found, label):8.3f}{metrics.f1_score(found, label):8.3f}{metrics.auroc(scores, label):9.3f}")


def main():
    parser = argparse.ArgumentParser(description="Clean a table of loans, and find those that will be lost.")
    parser.add_argument("--epochs", type=int, default=200, help="at most")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="20 epochs at most")
    args = parser.parse_args()
    epochs = 20 if args.quick else args.epochs
    tl.manual_seed(args.seed)

    table = read_csv(CREDIT, missing=["NA", "ignore"])
    missing = {name: sum(value != value or value == "" for value in column.tolist()) for name, column in table.items()}
    print(f"{len(table['Status']):,} loans; missing: " + ", ".join(f"{n} of {name}" for name, n in missing.items() if n))
    table, label = engineered(table)

    order = np.asarray(tl.randperm(len(label)))
    parts = np.split(order, [len(order) * 6 // 10, len(order) * 8 // 10])               # to train, to choose by, to test
    cleaner = cleaning().fit(rows_of(table, parts[0]))
    x, x_validation, x_test = [to_tensor(cleaner.transform(rows_of(table, part))) for part in parts]
    y, y_validation, y_test = [tl.tensor(label[part]).unsqueeze(1) for part in parts]
    columns = x.shape[1]
    print(f"cleaned: {columns} columns of numbers from {x.min().item():.1f} to {x.max().item():.1f};  "
          f"{label.mean():.1%} of the loans are lost\n")

    cross_entropy = nn.BCEWithLogitsLoss()
    models = {"logistic regression": (nn.Linear(columns, 1), cross_entropy, 1e-3),
              "support vector machine": (nn.Linear(columns, 1), hinge, 1e-2),
              "network": (MLP([columns, 64, 32, 1], dropout=0.3), cross_entropy, 1e-2)}
    results = {}
    for name, (model, loss, weight_decay) in models.items():
        model.compile(optim.AdamW(model.parameters(), lr=1e-3, weight_decay=weight_decay), loss)
        stopping = EarlyStopping("val_loss", patience=10, restore_best_weights=True)
        history = model.fit(x, y, batch_size=64, epochs=epochs, verbose=0, validation_data=(x_validation, y_validation),
                            callbacks=[stopping]).history
        print(f"{name:24}{len(history['loss']):4} epochs, best after {stopping.best_epoch + 1:2}   "
              f"loss {history['loss'][stopping.best_epoch]:.4f}   validation {stopping.best:.4f}", flush=True)
        threshold = best_threshold(model.predict(x_validation, verbose=0)[:, 0], y_validation[:, 0])
        scores = model.predict(x_test, verbose=0)[:, 0]
        results[name] = scores > threshold, scores

    print(f"\n{'on the test part':24}{'accuracy':>10}{'precision':>11}{'recall':>8}{'F1':>8}{'ROC-AUC':>9}")
    y_test = y_test[:, 0]
    for name, always in ("all will be paid back", False), ("all will be lost", True):
        report(name, np.full(len(y_test), always), np.zeros(len(y_test)), y_test)
    for name, (found, scores) in results.items():
        report(name, found, scores, y_test)
    print(f"test F1 {metrics.f1_score(results['network'][0], y_test):.4f}")


if __name__ == "__main__":
    main()
