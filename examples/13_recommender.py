"""A recommender: who would like what, from what all have said so far of other things.  Matrix factorisation with embeddings.

A shop knows a few ratings of each customer, and looks for those that are missing (SPEC §13: recommendation).  The people here are
the 101 senators of the 109th Congress of the United States (2005-2006), the things are 645 motions, and a rating is a vote: 1 for
yea, 0 for nay.  (Ratings of films or books are seldom free to pass on; votes are public, and the task is the same.)

    r̂_ui = μ + b_u + c_i + p_u · q_i

    μ         the mean of all ratings                 b_u, c_i     how much more u says yes than others; how popular i is
    p_u       what u cares for, 8 numbers             q_i          how much i has of it, 8 numbers

Nobody says what the 8 numbers mean.  Two rows of a table are looked up by their numbers (nn.Embedding), which is a product with a
one-hot vector (F-11), and what they hold is learned from the ratings alone:

    L = mean of (r - r̂)² + λ (|p_u|² + |q_i|²)        λ keeps small what few ratings support            (F-10)

A tenth of the votes is kept for validation, by which the epoch is chosen, and a tenth for the test, looked at once (M-03, M-07).
Beside r̂ stand means, and r̂ without p · q, which know nothing of taste: they can say that a thing is popular, but not with whom.

Whose p point in the same direction are of one taste: "customers like you".  The model is told neither party nor state.  At last it
does what a recommender is for: of the motions on which somebody did not vote, it names those that he is surest to like, or not.
"""
import argparse
import copy

import numpy as np
from data import senate

import tinygrad_like as tl
from tinygrad_like import metrics, nn, optim

TASTES = 8                             # numbers in p_u and in q_i; and λ in main: by the validation part, as the epoch is
BATCH = 512


class Recommender(nn.Module):
    def __init__(self, people, things, mean, tastes):
        super().__init__()
        self.mean = mean
        self.p, self.q = nn.Embedding(people, tastes), nn.Embedding(things, tastes)
        self.b, self.c = nn.Embedding(people, 1), nn.Embedding(things, 1)
        for table in self.p, self.q:
            nn.init.normal_(table.weight, std=0.1)              # not 0: the gradient of p is q, and that of q is p
        for table in self.b, self.c:
            nn.init.zeros_(table.weight)

    def forward(self, u, i):                                    # (n,), (n,) -> (n,)
        return self.mean + (self.b(u) + self.c(i)).squeeze(1) + (self.p(u) * self.q(i)).sum(1)


def rmse(found, r):
    return metrics.root_mean_squared_error(found, r)


def trained(model, training, validation, epochs, λ):
    """The model as it was after the epoch that was best on the validation part."""
    u, i, r = training
    optimizer, best = optim.Adam(model.parameters(), lr=5e-3), (np.inf, None)
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in tl.randperm(len(r)).split(BATCH):
            people, things = u[batch], i[batch]
            loss = (model(people, things) - r[batch]).square().mean()
            penalty = λ * (model.p(people).square().sum(1) + model.q(things).square().sum(1)).mean()
            optimizer.zero_grad()
            (loss + penalty).backward()
            optimizer.step()
            total += loss.detach() * len(batch)
        with tl.no_grad():
            error = rmse(model(*validation[:2]), validation[2])
        if error < best[0]:
            best = error, copy.deepcopy(model.state_dict())
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d}   RMSE {(total.item() / len(r)) ** 0.5:.4f}   validation {error:.4f}", flush=True)
    model.load_state_dict(best[1])
    return model


def means(u, i, r, people):
    """What needs no training: the mean of all ratings; of each person's; of each thing's (μ where there is none)."""
    def mean_by(numbers, count):
        n = tl.bincount(numbers, minlength=count)
        return tl.where(n > 0, tl.bincount(numbers, weights=r, minlength=count) / n.clamp(min=1), r.mean())
    return r.mean(), mean_by(u, people[0]), mean_by(i, people[1])


def main():
    parser = argparse.ArgumentParser(description="Learn tastes from votes, and foretell the votes that are missing.")
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--quick", action="store_true", help="5 epochs")
    args = parser.parse_args()
    epochs = 5 if args.quick else args.epochs
    tl.manual_seed(args.seed)

    votes, who, what = senate()                                 # (people, things): 1 yea, -1 nay, 0 not there
    u, i = np.nonzero(votes)
    order = np.asarray(tl.randperm(len(u)))
    training, validation, test = [
        (tl.tensor(u[part]), tl.tensor(i[part]), tl.tensor((votes[u[part], i[part]] > 0).astype("float32")))
        for part in np.split(order, [len(order) * 8 // 10, len(order) * 9 // 10])]
    mean, of_person, of_thing = means(*training, votes.shape)
    print(f"{len(u):,} votes of {votes.shape[0]} senators on {votes.shape[1]} motions, {mean.item():.0%} of them yea")

    print("\nwithout tastes")
    plain = trained(Recommender(*votes.shape, mean.item(), 0), training, validation, epochs, λ=0)
    print(f"with {TASTES} tastes")
    model = trained(Recommender(*votes.shape, mean.item(), TASTES), training, validation, epochs, λ=0.02)

    u, i, r = test
    with tl.no_grad():
        found = {"mean of all": mean.expand(len(r)), "mean of the senator": of_person[u], "mean of the motion": of_thing[i],
                 "μ + b + c": plain(u, i), "μ + b + c + p · q": model(u, i)}
    print(f"\n{'on the test part':24}{'RMSE':>8}{'accuracy':>10}")
    for name, each in found.items():
        print(f"{name:24}{rmse(each, r):8.4f}{metrics.accuracy(each > 0.5, r):10.4f}")

    directions = nn.functional.normalize(model.p.weight.detach(), dim=1)                    # (people, tastes), of length 1
    alike = (directions @ directions.T).numpy()                                             # cosines
    print("\nnearest in taste")
    for person in map(who.index, ("Kennedy (D MA)", "Nelson (D NE)", "Collins (R ME)", "McCain (R AZ)")):
        nearest = np.argsort(-alike[person])[1:5]               # without the nearest of all, who is that person
        print(f"{who[person]:15} " + ", ".join(f"{who[other]} {alike[person, other]:.2f}" for other in nearest))

    person = who.index("McCain (R AZ)")
    missed = np.flatnonzero(votes[person] == 0)
    with tl.no_grad():
        guess = model(tl.full((len(missed),), person), tl.tensor(missed)).numpy()
    print(f"\n{who[person]} did not vote on {len(missed)} motions; the model is surest of")
    for n in [*np.argsort(-guess)[:3], *np.argsort(guess)[:3]]:
        print(f"{guess[n]:6.2f}   {what[missed[n]]}")
    print(f"test RMSE {rmse(found['μ + b + c + p · q'], r):.4f}")


if __name__ == "__main__":
    main()
