"""What programs for Keras write, beside the layers: parts of models, steps by hand, generators, penalties, schedules, attention."""
import math

import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import keras
from tinygrad_like.keras import Input, Model, Sequential, layers


def rng(seed=0):
    return np.random.default_rng(seed)


X, Y = rng().normal(size=(64, 4)).astype("float32"), rng(1).normal(size=(64, 1)).astype("float32")


def line(optimizer="sgd", loss="mse", **settings):
    keras.utils.set_random_seed(0)
    model = Sequential([Input((4,)), layers.Dense(1, **settings)])
    model.compile(optimizer, loss)
    return model


# ---- parts of models --------------------------------------------------------------------------------------------
def test_a_model_of_a_part_of_another():
    inputs = Input((4,), name="numbers")
    hidden = layers.Dense(3, activation="relu", name="hidden")(inputs)
    model = Model(inputs, layers.Dense(2)(hidden))
    for part in Model(model.input, model.get_layer("hidden").output), Model(model.inputs, model.layers[1].output):
        assert np.array_equal(part.predict(X, verbose=0), model.layers[1](X).detach().numpy())
    assert model.output.shape == (None, 2) and model.inputs[0].shape == (None, 4) and model.layers[2].input is hidden
    assert [layer.name for layer in model.layers] == ["numbers", "hidden", "dense"]         # the input is counted, as in Keras
    every = Model(model.input, [layer.output for layer in model.layers])(X)
    assert np.array_equal(every[0].numpy(), X) and [tuple(out.shape) for out in every] == [(64, 4), (64, 3), (64, 2)]
    assert [layer.name for layer in Sequential([Input((4,)), layers.Dense(3)]).layers] == ["dense"]         # and here not
    assert Input(batch_shape=(None, 4)).shape == (None, 4)
    assert model.inputs == [inputs] and len(model.outputs) == 1

    waiting = Sequential([layers.Dense(3), layers.Dense(1)])
    with pytest.raises(ValueError, match="knows no input_shape"):
        print(waiting.layers[0].output)
    waiting(X)
    assert Model(waiting.input, waiting.layers[0].output)(X).shape == (64, 3)


def test_several_outputs_have_one_loss():
    inputs = Input((4,))
    model = Model(inputs, [layers.Dense(1)(inputs), layers.Dense(1)(inputs)])
    with pytest.raises(TypeError, match="adds them up"):
        model.compile("sgd", ["mse", "mse"])

    def loss(outputs, targets):
        return sum(((p - y) ** 2).mean() for p, y in zip(outputs, targets))
    model.compile("sgd", loss)
    with pytest.raises(TypeError, match="list of 2 arrays"):
        model.fit(X, [Y, Y])
    losses = model.fit([(X, [Y, Y])], epochs=3, verbose=0).history["loss"]
    assert losses[2] < losses[0]


def test_a_layer_of_ones_own_may_have_a_kernel():
    class Mine(layers.Layer):
        def build(self, input_shape):
            self.kernel = self.add_weight(shape=(input_shape[-1], 2))

        def call(self, inputs):
            return inputs @ self.kernel
    layer = Mine()
    assert layer(X).shape == (64, 2) and layer.kernel.shape == (4, 2)


def test_a_property_of_layers_is_not_taken_by_an_attribute():
    class Mine(Model):
        def __init__(self):
            super().__init__()
            self.output = layers.Dense(3)
    with pytest.raises(AttributeError, match="output"):
        Mine()


def test_inputs_by_name():
    a, b = Input((4,), name="a"), Input((1,), name="b")
    model = Model([a, b], layers.Dense(1)(layers.concatenate([a, b])))
    model.compile("sgd", "mse")
    model.fit({"b": Y, "a": X}, Y, verbose=0, validation_data=({"a": X, "b": Y}, Y))
    model.fit([({"b": Y, "a": X}, Y)], verbose=0)
    assert np.array_equal(model.predict({"b": Y, "a": X}, verbose=0), model.predict([X, Y], verbose=0))
    with pytest.raises(ValueError, match="has the inputs a, b, and a, c came"):
        model.predict({"a": X, "c": Y})


def test_a_layer_that_is_frozen_when_it_is_made_freezes_what_it_makes_later():
    layer = layers.MultiHeadAttention(2, 3, trainable=False)
    layer(tl.randn(2, 5, 4), tl.randn(2, 5, 4))
    assert len(layer.weights) == 8 and not layer.trainable_weights


# ---- steps and batches ------------------------------------------------------------------------------------------
def test_steps_by_hand_are_those_of_fit():
    whole, steps = line("adam"), line("adam")
    whole.fit(X, Y, batch_size=16, epochs=2, shuffle=False, verbose=0)
    losses = [steps.train_on_batch(X[i:i + 16], Y[i:i + 16]) for _ in range(2) for i in range(0, 64, 16)]
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), steps.get_weights())) and sum(losses[4:]) < sum(losses[:4])
    assert steps.test_on_batch(X, Y) == pytest.approx(steps.evaluate(X, Y, verbose=0))
    assert np.allclose(steps.predict_on_batch(X), steps.predict(X, verbose=0))
    steps.compile("adam", "mse", metrics=["mae"])
    assert steps.metrics_names == ["loss", "mae"] and list(steps.train_on_batch(X, Y, return_dict=True)) == ["loss", "mae"]


def endless(size=16, stop=math.inf):
    at = 0
    while at < stop:
        yield X[at % 64:at % 64 + size], Y[at % 64:at % 64 + size]
        at += size


def test_generators():
    whole, model = line(), line()
    losses = whole.fit(X, Y, batch_size=16, epochs=3, shuffle=False, verbose=0, validation_data=(X[:32], Y[:32]))
    history = model.fit(endless(), steps_per_epoch=4, epochs=3, verbose=0, validation_data=endless(32, 96), validation_steps=1)
    assert history.history["loss"] == losses.history["loss"]
    assert history.history["val_loss"][0] == pytest.approx(losses.history["val_loss"][0], rel=1e-6)
    assert model.evaluate(endless(), steps=4, verbose=0) == model.evaluate(X, Y, batch_size=16, verbose=0)
    assert np.array_equal(model.predict((x for x, y in endless()), steps=4, verbose=0), model.predict(X, batch_size=16, verbose=0))

    few = ((X[i:i + 16], Y[i:i + 16]) for i in range(0, 64, 16))
    assert model.evaluate(few, verbose=0) == model.evaluate(X, Y, batch_size=16, verbose=0)

    loader = tl.utils.data.DataLoader(tl.utils.data.TensorDataset(tl.tensor(X), tl.tensor(Y)), batch_size=16)
    parts = line()                                              # an epoch may end anywhere: the next goes on from there
    parts.fit(loader, steps_per_epoch=3, epochs=4, verbose=0)
    assert all(np.array_equal(a, b) for a, b in zip(parts.get_weights(), whole.get_weights()))


def test_a_generator_gives_the_shape_and_loses_no_batch():
    seen, model = [], Sequential([layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(((seen.append(i), batch)[1] for i, batch in enumerate(endless())), steps_per_epoch=4, verbose=0)
    assert model.input_shape == (None, 4) and seen == [0, 1, 2, 3]
    images = tl.utils.data.TensorDataset(tl.randn(8, 6, 6, 1), tl.randn(8, 1))
    model = Sequential([layers.Conv2D(2, 3), layers.Flatten(), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(images, verbose=0)
    assert model.input_shape == (None, 6, 6, 1)


def test_generators_that_cannot_be_gone_through(tmp_path):
    model = line()
    for words, call in [
        ("steps_per_epoch", lambda: model.fit(endless(), verbose=0)),
        ("ended where batch 3 of 4", lambda: model.fit(endless(16, 32), steps_per_epoch=4, verbose=0)),
        ("leave out the number of steps", lambda: model.fit(X, Y, steps_per_epoch=4, verbose=0)),
        ("from 1 on", lambda: model.fit(endless(), steps_per_epoch=0, verbose=0)),
        ("cannot be saved", lambda: model.fit(endless(), steps_per_epoch=4, checkpoint=tmp_path, verbose=0)),
        ("num_workers", lambda: model.fit(X, Y, workers=4)),
        ("did you mean 'epochs'", lambda: model.fit(X, Y, epoch=4)),
    ]:
        with pytest.raises((ValueError, TypeError, NotImplementedError), match=words):
            call()


def test_batches_by_number():
    class Batches(keras.utils.Sequence):
        ends = 0

        def __len__(self):
            return 4

        def __getitem__(self, i):
            return X[16 * i:16 * i + 16], Y[16 * i:16 * i + 16]

        def on_epoch_end(self):
            self.ends += 1
    batches, model, whole = Batches(), line(), line()
    assert model.fit(batches, epochs=2, verbose=0).history == whole.fit(X, Y, batch_size=16, epochs=2, shuffle=False,
                                                                         verbose=0).history
    assert batches.ends == 2


def test_a_step_of_ones_own_is_not_passed_over():
    class Mine(Model):
        def train_step(self, data):
            return {}
    inputs = Input((4,))
    model = Mine(inputs, layers.Dense(1)(inputs))
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match="train_step of its own"):
        model.fit(X, Y)


# ---- penalties --------------------------------------------------------------------------------------------------
def test_regularizers():
    """fit with l2 is SGD with twice that as weight_decay of the kernel; the loss that is reported has it, too."""
    plain = line(lambda params: tl.optim.SGD([{"params": [next(iter(params))], "weight_decay": 0.2}], lr=0.1), use_bias=False)
    model = line(keras.optimizers.SGD(0.1), use_bias=False, kernel_regularizer=keras.regularizers.l2(0.1))
    for each in plain, model:
        each.fit(X, Y, batch_size=64, epochs=3, verbose=0)
    kernel = model.get_weights()[0]
    assert np.allclose(kernel, plain.get_weights()[0], atol=1e-6)
    assert model.evaluate(X, Y, verbose=0) == pytest.approx(plain.evaluate(X, Y, verbose=0) + 0.1 * (kernel ** 2).sum(), rel=1e-5)
    assert float(model.losses[0].detach()) == pytest.approx(0.1 * (kernel ** 2).sum())


@pytest.mark.parametrize("make, shape, names", [
    (lambda r: layers.Dense(3, kernel_regularizer=r, bias_regularizer=r), (4,), 2),
    (lambda r: layers.Conv2D(3, 2, kernel_regularizer=r, use_bias=False, bias_regularizer=r), (4, 4, 2), 1),
    (lambda r: layers.LSTM(3, kernel_regularizer=r, recurrent_regularizer=r, bias_regularizer=r), (5, 2), 3),
    (lambda r: layers.BatchNormalization(gamma_regularizer=r, beta_regularizer=r), (4,), 2),
    (lambda r: layers.DepthwiseConv2D(2, depthwise_regularizer=r), (4, 4, 2), 1),
    (lambda r: layers.Embedding(7, 3, embeddings_regularizer=r), (4,), 1),
])
def test_regularizers_find_their_weights(make, shape, names):
    layer = make(keras.regularizers.L1L2(0.5, 0.25))
    layer(Input(shape))
    arrays = [w for w, x in zip(layer.get_weights(), layer.keras_weights()) if x.trains]
    found = sum(float(each.detach()) for each in layer.losses)
    assert len(layer.losses) == names
    assert found == pytest.approx(sum(0.5 * abs(w).sum() + 0.25 * (w ** 2).sum() for w in arrays), rel=1e-5)
    layer.trainable = False
    assert not layer.losses
    assert make(None).regularizers == {}


# ---- learning rates ---------------------------------------------------------------------------------------------
S = keras.optimizers.schedules
SCHEDULES = [
    (S.ExponentialDecay(0.1, 4, 0.5), [0.1 * 0.5 ** (i / 4) for i in range(12)]),
    (S.ExponentialDecay(0.1, 4, 0.5, staircase=True), [0.1] * 4 + [0.05] * 4 + [0.025] * 4),
    (S.InverseTimeDecay(0.1, 4, 2.0), [0.1 / (1 + 2 * i / 4) for i in range(12)]),
    (S.PiecewiseConstantDecay([2, 5], [1.0, 0.5, 0.1]), [1.0] * 3 + [0.5] * 3 + [0.1] * 6),
    (S.PolynomialDecay(0.1, 5, 0.02, power=2.0), [0.02 + 0.08 * (1 - min(i, 5) / 5) ** 2 for i in range(12)]),
    (S.PolynomialDecay(0.1, 5, 0.0, cycle=True), [0.1 - 0.02 * i for i in range(6)] + [0.1 - 0.01 * i for i in range(6, 11)]
     + [0.1 * (1 - 11 / 15)]),
    (S.CosineDecay(0.1, 4, alpha=0.5), [0.1 * (0.75 + 0.25 * math.cos(math.pi * min(i, 4) / 4)) for i in range(12)]),
    (S.CosineDecay(0.0, 4, warmup_target=0.2, warmup_steps=4), [0.05 * i for i in range(4)]
     + [0.1 * (1 + math.cos(math.pi * min(i, 4) / 4)) for i in range(8)]),
    (S.CosineDecayRestarts(0.2, 3, m_mul=0.5), [0.1 * (1 + math.cos(math.pi * i / 3)) for i in range(3)]
     + [0.05 * (1 + math.cos(math.pi * i / 6)) for i in range(6)] + [0.025 * (1 + math.cos(math.pi * i / 12)) for i in range(3)]),
]


@pytest.mark.parametrize("schedule, rates", SCHEDULES)
def test_schedules(schedule, rates):
    assert [schedule(i) for i in range(12)] == pytest.approx(rates, abs=1e-12)
    model, seen = line(keras.optimizers.SGD(schedule)), []
    look = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(model.optimizer.learning_rate))
    model.fit(X[:48], Y[:48], batch_size=8, epochs=2, verbose=0, callbacks=[look])
    assert seen == pytest.approx(rates, abs=1e-12)


def test_a_schedule_goes_on_after_a_crash(tmp_path):
    def model():
        return line(keras.optimizers.SGD(S.ExponentialDecay(0.1, 3, 0.5)))
    whole, resumed = model(), model()
    whole.fit(X, Y, epochs=4, verbose=0)
    model().fit(X, Y, epochs=2, verbose=0, checkpoint=tmp_path)
    resumed.fit(X, Y, epochs=4, verbose=0, resume_from=tmp_path)
    assert resumed.optimizer.learning_rate == whole.optimizer.learning_rate == pytest.approx(0.1 * 0.5 ** (8 / 3))
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), resumed.get_weights()))


def test_two_that_set_the_learning_rate():
    model = line(keras.optimizers.SGD(S.ExponentialDecay(0.1, 3, 0.5)))
    with pytest.raises(ValueError, match="a schedule sets it"):
        model.fit(X, Y, epochs=2, verbose=0, callbacks=[keras.callbacks.LearningRateScheduler(lambda epoch: 0.3)])


def test_a_learning_rate_is_assigned():
    model = line(keras.optimizers.Adam(0.1))
    model.optimizer.learning_rate.assign(0.05)
    assert model.optimizer.learning_rate.numpy() == 0.05 and model.optimizer.param_groups[0]["lr"] == 0.05


# ---- metrics ----------------------------------------------------------------------------------------------------
def test_a_metric_of_ones_own(tmp_path):
    class Largest(keras.metrics.Metric):
        def __init__(self, name="largest"):
            super().__init__(name=name)
            self.reset_state()

        def update_state(self, y_true, y_pred, sample_weight=None):
            self.found = max(self.found, float((y_true - y_pred).abs().max()))

        def result(self):
            return self.found

        def reset_state(self):
            self.found = 0.0
    model = line()
    model.compile("sgd", "mse", metrics=[Largest()])
    history = model.fit(X, Y, epochs=2, verbose=0, checkpoint=tmp_path, save_every=1)
    assert history.history["largest"][1] > 0
    assert model.evaluate(X, Y, verbose=0)[1] == pytest.approx(abs(Y - model.predict(X, verbose=0)).max(), rel=1e-6)
    with pytest.raises(NotImplementedError, match="update_state"):
        keras.metrics.Metric()(1, 2)


def test_metrics_called_by_hand():
    mean = keras.metrics.Mean()
    assert (mean(3.0), mean([5.0, 7.0]), mean.result()) == (3.0, 5.0, 5.0)
    mean.reset_state()
    mean.update_state([1.0, 2.0], sample_weight=[3, 1])
    assert mean.result() == 1.25
    assert keras.metrics.Accuracy()([1, 2, 3, 4], [1, 2, 3, 0]) == 0.75


def test_precision_of_one_hot_rows_counts_each_number():
    y = np.eye(3)[[0, 1, 2, 0]]
    p = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1], [0.2, 0.2, 0.6], [0.4, 0.4, 0.2]])
    assert float(keras.metrics.Precision()(y, p)) == pytest.approx(2 / 3)
    assert float(keras.metrics.Recall()(y, p)) == 0.5 and float(keras.metrics.Recall(thresholds=0.35)(y, p)) == 0.75
    assert float(keras.metrics.BinaryAccuracy()(y, p)) == pytest.approx(9 / 12)
    f1 = [float(x) for x in keras.metrics.F1Score()(y, p)]      # by the largest of each row
    assert f1 == pytest.approx([2 * (2 / 3) * 1 / (2 / 3 + 1), 0, 1])
    assert float(keras.metrics.F1Score("macro")(y, p)) == pytest.approx(sum(f1) / 3)


# ---- layers -----------------------------------------------------------------------------------------------------
def test_attention_is_its_formula():
    layer = layers.MultiHeadAttention(2, 3, value_dim=5)
    q, v = rng().normal(size=(2, 4, 6)).astype("float32"), rng(1).normal(size=(2, 7, 6)).astype("float32")
    mask = rng(2).random((2, 4, 7)) > 0.3
    out, weights = layer(q, v, attention_mask=mask, return_attention_scores=True)
    assert np.allclose(layer(q, v, attention_mask=mask).detach(), out.detach(), atol=1e-6)
    wq, bq, wk, bk, wv, bv, wo, bo = layer.get_weights()
    assert wq.shape == (6, 2, 3) and wv.shape == (6, 2, 5) and wo.shape == (2, 5, 6) and bq.shape == (2, 3)
    qs, ks, vs = [np.einsum("nli,ihd->nhld", x, w) + b[:, None] for x, w, b in ((q, wq, bq), (v, wk, bk), (v, wv, bv))]
    scores = np.where(mask[:, None], np.einsum("nhqd,nhkd->nhqk", qs, ks) / math.sqrt(3), -np.inf)
    expected = np.exp(scores - scores.max(-1, keepdims=True))
    expected /= expected.sum(-1, keepdims=True)
    assert np.allclose(weights.detach(), expected, atol=1e-6)
    assert np.allclose(out.detach(), np.einsum("nhqk,nhkd,hdo->nqo", expected, vs, wo) + bo, atol=1e-5)
    layer.set_weights([w + 1 for w in layer.get_weights()])
    assert np.allclose(layer.get_weights()[6], wo + 1)


def test_attention_looks_back_only():
    layer, x = layers.MultiHeadAttention(2, 3), rng().normal(size=(1, 5, 4)).astype("float32")
    before = layer(x, x, use_causal_mask=True).detach().numpy()
    x[0, 3:] += 1
    after = layer(x, x, use_causal_mask=True).detach().numpy()
    assert np.array_equal(before[0, :3], after[0, :3]) and not np.allclose(before[0, 3:], after[0, 3:])
    tokens = Input((5, 4))
    assert layers.MultiHeadAttention(2, 3, output_shape=7)(tokens, tokens).shape == (None, 5, 7)


def test_normalization_learns_from_data():
    layer, x = layers.Normalization(), rng().normal(3, 5, (100, 2)) * [1, 0] + 4
    layer.adapt(x)
    out = layer(x).numpy()
    assert np.allclose(out.mean(0), 0, atol=1e-5) and np.allclose(out.std(0), [1, 0], atol=1e-5)
    model = Sequential([layer, layers.Dense(1)])
    model(x)
    assert len(model.trainable_weights) == 2 and np.allclose(model.get_weights()[0], x.mean(0))
    given = layers.Normalization(mean=[1.0, 2.0], variance=4.0)
    assert np.allclose(given(np.array([[3.0, 2.0]])).numpy(), [[1, 0]])


@pytest.mark.parametrize("make, shape", [(layers.SpatialDropout1D, (9, 200)), (layers.SpatialDropout2D, (3, 4, 200))])
def test_spatial_dropout_drops_channels(make, shape):
    keras.utils.set_random_seed(0)
    layer = make(0.25)
    out = layer(np.ones((2, *shape)), training=True).numpy()
    flat = out.reshape(2, -1, 200)
    assert (flat == flat[:, :1]).all() and set(np.unique(out)) == {0, np.float32(1 / 0.75)} and 0.15 < (out == 0).mean() < 0.35
    assert (layer(np.ones((2, *shape))).numpy() == 1).all()


# ---- padding ----------------------------------------------------------------------------------------------------
READERS = [layers.LSTM(3), layers.GRU(3), layers.SimpleRNN(3), layers.LSTM(3, go_backwards=True), layers.GlobalAveragePooling1D(),
           layers.Bidirectional(layers.GRU(3)), layers.Bidirectional(layers.LSTM(3), merge_mode="sum")]


@pytest.mark.parametrize("number", range(len(READERS)))
def test_padding_is_left_out(number):
    """Wherever the zeros are, what comes out is that of the words alone."""
    words = Input((None,), dtype="int64")
    x = layers.Dropout(0.5)(layers.Embedding(20, 4, mask_zero=True)(words))
    model = Model(words, READERS[number](x))
    rows = [[0, 0, 3, 5, 7], [3, 5, 7, 0, 0], [0, 3, 0, 5, 7]]
    alone = model.predict(np.array([[3, 5, 7]]), verbose=0)
    assert np.allclose(model.predict(np.array(rows), verbose=0), alone, atol=1e-6)
    assert np.array_equal(model.predict(np.zeros((1, 5), int), verbose=0), np.zeros_like(alone))


def test_padding_repeats_outputs_and_goes_through_layers():
    embed, lstm = layers.Embedding(20, 4, mask_zero=True), layers.LSTM(3, return_sequences=True, return_state=True)
    out, h, c = lstm(embed(np.array([[0, 3, 0, 5, 0]])))
    short, hs, cs = lstm(embed(np.array([[3, 5]])))
    out, short = out.detach().numpy()[0], short.detach().numpy()[0]
    assert (out[0] == 0).all() and np.allclose(out[[1, 2, 3, 4]], short[[0, 0, 1, 1]], atol=1e-6)
    assert np.allclose(h.detach(), hs.detach(), atol=1e-6) and np.allclose(c.detach(), cs.detach(), atol=1e-6)
    start = [tl.ones(1, 3), tl.ones(1, 3) * 2]
    _, h, c = lstm(embed(np.array([[0, 0]])), initial_state=start)
    assert (h == 1).all() and (c == 2).all()

    model = Sequential([Input((None,)), embed, layers.LSTM(3, return_sequences=True), layers.LayerNormalization(), layers.GRU(2)])
    assert np.allclose(model.predict(np.array([[0, 3, 0, 5, 0]]), verbose=0), model.predict(np.array([[3, 5]]), verbose=0),
                       atol=1e-6)
    model = Sequential([Input((None,)), embed, layers.Bidirectional(layers.GRU(2, return_sequences=True))])
    found = model.predict(np.array([[0, 3, 0, 5, 0]]), verbose=0)[0]
    assert np.allclose(found[[1, 3]], model.predict(np.array([[3, 5]]), verbose=0)[0], atol=1e-6) and not found[[0, 2, 4]].any()


def test_a_layer_of_ones_own_is_told_the_mask_and_others_warn():
    class Count(layers.Layer):
        def call(self, inputs, mask=None):
            return mask.float().sum(1, keepdim=True)

        def compute_output_shape(self, input_shape):
            return (None, 1)
    tokens = np.array([[0, 3, 5], [0, 0, 1]])
    assert Sequential([layers.Embedding(9, 2, mask_zero=True), Count()])(tokens).tolist() == [[2], [1]]
    with pytest.warns(UserWarning, match="flatten does not look at masks"):
        Sequential([layers.Embedding(9, 2, mask_zero=True), layers.Flatten()])(tokens)


def test_a_text_model_with_padding_learns():
    keras.utils.set_random_seed(0)
    texts = [rng(i).integers(2, 30, 3 + i % 9).tolist() for i in range(300)]
    y = rng(1).integers(0, 2, 300)
    for text, label in zip(texts, y):
        text[0] = 1 if label else 2                             # the first word says it
        text[1:] = [max(word, 3) for word in text[1:]]
    x = keras.utils.pad_sequences(texts, maxlen=24, padding="post")
    model = Sequential([Input((24,), dtype="int32"), layers.Embedding(30, 8, mask_zero=True), layers.LSTM(8),
                        layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy"])
    assert model.fit(x, y, epochs=8, verbose=0).history["accuracy"][-1] > 0.95
