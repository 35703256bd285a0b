"""The dialect of Keras: shapes, weights in Keras's layouts, modes, models of all three kinds, and what is refused."""
import numpy as np
import pytest

import tinygrad_like as tl
from tinygrad_like import backend, keras, nn, optim
from tinygrad_like.keras import Input, Model, Sequential, layers


def rng(seed=0):
    return np.random.default_rng(seed)


def l2():
    inputs = keras.Input(shape=(28, 28, 1))
    x = layers.Conv2D(32, (3, 3), activation="relu")(inputs)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Conv2D(64, (3, 3), activation="relu")(x)
    x = layers.MaxPooling2D((2, 2))(x)
    x = layers.Flatten()(x)
    x = layers.Dense(128, activation="relu")(x)
    return Model(inputs, layers.Dense(10, activation="softmax")(x))


def l3():
    return Sequential([
        layers.Conv2D(32, (3, 3), activation="relu", input_shape=(28, 28, 1)), layers.MaxPooling2D((2, 2)),
        layers.Conv2D(64, (3, 3), activation="relu"), layers.MaxPooling2D((2, 2)), layers.Conv2D(64, (3, 3), activation="relu"),
        layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10, activation="softmax")])


# ---- summary ----------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("build, count, size", [(l2, 225_034, "879.04 KB"), (l3, 93_322, "364.54 KB")])
def test_parameter_counts_of_the_listings(build, count, size, capsys):
    model = build()
    assert model.count_params() == count == sum(p.numel() for p in model.parameters())
    assert model.summary() is None
    out = capsys.readouterr().out
    assert f"Total params: {count:,} ({size})" in out and f"Trainable params: {count:,}" in out
    assert "conv2d_1 (Conv2D)" in out and "(None, 11, 11, 64)" in out and "18,496" in out and "Connected to" not in out


def test_summary_of_a_graph_and_of_frozen_weights(capsys):
    a, b = Input((3,), name="left"), Input((3,), name="right")
    shared = layers.Dense(4, name="shared")
    model = Model([a, b], layers.Concatenate()([shared(a), shared(b)]))
    shared.trainable = False
    lines = []
    model.summary(print_fn=lines.append)
    text = lines[0]
    assert "Connected to" in text and "left, right" in text and "shared, shared" in text
    assert "Total params: 16 " in text and "Trainable params: 0 " in text and "Non-trainable params: 16 " in text
    norm = Sequential([layers.BatchNormalization(input_shape=(5,))])
    assert norm.count_params() == 20 and [w.requires_grad for w in norm.weights] == [True, True, False, False]


def test_summary_needs_weights():
    with pytest.raises(ValueError, match="no weights yet.*input_shape="):
        Sequential([layers.Dense(3)]).summary()


# ---- shapes -----------------------------------------------------------------------------------------------------
# a layer, and the shape of a sample
EACH = [
    (lambda: layers.Dense(5, activation="tanh"), (4,)), (lambda: layers.Dense(5, use_bias=False), (3, 4)),
    (lambda: layers.Activation("softmax"), (4,)), (lambda: layers.ReLU(max_value=1.0, negative_slope=0.1), (4,)),
    (lambda: layers.LeakyReLU(), (4,)), (lambda: layers.ELU(), (4,)), (lambda: layers.PReLU(shared_axes=[1]), (3, 4)),
    (lambda: layers.Softmax(), (4,)), (lambda: layers.Dropout(0.5), (4,)), (lambda: layers.GaussianNoise(0.1), (4,)),
    (lambda: layers.Flatten(), (3, 4, 2)), (lambda: layers.Reshape((4, -1)), (6, 2)), (lambda: layers.Permute((2, 1)), (3, 4)),
    (lambda: layers.RepeatVector(3), (4,)), (lambda: layers.Rescaling(1 / 255), (4,)),
    (lambda: layers.Lambda(lambda x: x[:, :2] * 2), (4, 3)),
    (lambda: layers.Lambda(lambda x: x.reshape(3, 4, 3)[:, 0], output_shape=(3,)), (4, 3)),
    *[(lambda p=p, s=s, k=k: layers.Conv2D(3, k, strides=s, padding=p), (7, 6, 2))
      for p in ("valid", "same") for s in (1, 2, (2, 3)) for k in (1, 2, 3, (4, 3))],
    (lambda: layers.Conv2D(4, 3, dilation_rate=2, padding="same", activation="softmax"), (7, 6, 2)),
    (lambda: layers.Conv2D(4, 3, groups=2, use_bias=False), (7, 6, 2)),
    (lambda: layers.Conv1D(3, 3, padding="causal", dilation_rate=2), (7, 2)), (lambda: layers.Conv1D(3, 3, strides=2), (7, 2)),
    (lambda: layers.Conv3D(2, 2, padding="same"), (3, 4, 3, 2)),
    *[(lambda p=p, s=s, k=k: layers.Conv2DTranspose(3, k, strides=s, padding=p), (4, 3, 2))
      for p in ("valid", "same") for s in (1, 2, 3) for k in (1, 2, 3, 4)],
    (lambda: layers.Conv1DTranspose(3, 3, strides=2, padding="same"), (4, 2)),
    (lambda: layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same"), (5, 4, 3)),
    (lambda: layers.SeparableConv2D(4, 3, strides=2, padding="same", activation="relu"), (5, 4, 3)),
    *[(lambda c=c, p=p, s=s: c(3, strides=s, padding=p), (7, 6, 2)) for c in (layers.MaxPooling2D, layers.AveragePooling2D)
      for p in ("valid", "same") for s in (None, 1, 2)],
    (lambda: layers.MaxPooling1D(2, padding="same"), (7, 2)), (lambda: layers.AveragePooling1D(2), (7, 2)),
    (lambda: layers.MaxPooling3D(2), (4, 5, 4, 2)), (lambda: layers.AveragePooling3D(2, padding="same"), (4, 5, 4, 2)),
    (lambda: layers.GlobalAveragePooling2D(), (4, 5, 2)), (lambda: layers.GlobalMaxPooling2D(keepdims=True), (4, 5, 2)),
    (lambda: layers.GlobalMaxPooling1D(), (5, 2)), (lambda: layers.GlobalAveragePooling1D(), (5, 2)),
    (lambda: layers.GlobalAveragePooling3D(), (2, 3, 4, 2)),
    (lambda: layers.ZeroPadding2D(((1, 2), (0, 3))), (4, 5, 2)), (lambda: layers.ZeroPadding1D((2, 1)), (5, 2)),
    (lambda: layers.Cropping2D((1, 2)), (4, 5, 2)), (lambda: layers.Cropping1D(1), (5, 2)),
    (lambda: layers.UpSampling2D((2, 3)), (4, 5, 2)), (lambda: layers.UpSampling2D(interpolation="bilinear"), (4, 5, 2)),
    (lambda: layers.UpSampling1D(2), (5, 2)),
    *[(lambda: layers.BatchNormalization(), shape) for shape in ((4,), (5, 4), (3, 5, 4), (2, 3, 5, 4))],
    (lambda: layers.BatchNormalization(center=False), (4,)), (lambda: layers.BatchNormalization(scale=False), (4,)),
    (lambda: layers.LayerNormalization(), (3, 4)), (lambda: layers.LayerNormalization(center=False), (4,)),
    (lambda: layers.SimpleRNN(3, activation="relu"), (5, 2)), (lambda: layers.LSTM(3), (5, 2)),
    (lambda: layers.LSTM(3, return_sequences=True, go_backwards=True), (5, 2)), (lambda: layers.GRU(3, use_bias=False), (5, 2)),
    (lambda: layers.GRU(3, return_state=True), (5, 2)), (lambda: layers.LSTM(3, return_state=True, return_sequences=True), (5, 2)),
    *[(lambda m=m: layers.Bidirectional(layers.LSTM(3, return_sequences=True), merge_mode=m), (5, 2))
      for m in ("concat", "sum", "mul", "ave", None)],
    (lambda: layers.Bidirectional(layers.GRU(3)), (5, 2)),
    (lambda: layers.TimeDistributed(layers.Dense(3)), (5, 4)), (lambda: layers.TimeDistributed(layers.Conv2D(2, 3)), (2, 5, 4, 1)),
]


@pytest.mark.parametrize("number", range(len(EACH)))
def test_each_layer(number):
    """The shape that is foretold comes; weights go out and in; gradients reach all of them; the batch is not written into."""
    make, shape = EACH[number]
    layer, x = make(), tl.tensor(rng().normal(size=(3, *shape)).astype("float32"))
    foretold, before = layer(Input(shape)), x.numpy().copy()
    listed = foretold if isinstance(foretold, list) else [foretold]
    free = make()(Input(tuple([None] * (len(shape) - 1)) + shape[-1:])) if "lambda" not in layer.name and len(shape) > 1 \
        and not isinstance(layer, (layers.Reshape, layers.PReLU, layers.Permute)) else foretold
    outs = layer(x)
    for symbol, loose, out in zip(listed, free if isinstance(free, list) else [free],
                                  outs if isinstance(outs, list) else [outs]):
        assert symbol.shape == (None, *out.shape[1:]) and out.shape[0] == 3
        assert all(n in (None, m) for n, m in zip(loose.shape, symbol.shape))
        assert out.dtype == tl.float32
    assert np.array_equal(x.numpy(), before)

    weights = layer.get_weights()
    assert [tuple(w.shape) for w in weights] == [w.shape for w in layer.keras_weights()]
    other = make()
    other(Input(shape))
    other.set_weights([w + 1 for w in weights])
    assert all(np.allclose(a, b + 1) for a, b in zip(other.get_weights(), weights))
    other.set_weights(weights)
    first, again = (o[0] if isinstance(o, list) else o for o in (outs, other(x)))
    assert np.array_equal(first.detach().numpy(), again.detach().numpy())
    other.load_state_dict(layer.state_dict())

    total = sum((o * tl.tensor(rng(1).normal(size=tuple(o.shape)).astype("float32"))).sum()
                for o in (outs if isinstance(outs, list) else [outs]))
    if total.requires_grad:
        total.backward()
    assert all(p.grad is not None for p in layer.parameters())


# ---- what comes out ---------------------------------------------------------------------------------------------
def windows_same(x, kernel, stride):
    """Keras's "same": ⌈n / s⌉ windows, and if the padding is odd, one more behind."""
    n, h, w, c = x.shape
    found = [(max(0, (-(-size // stride) - 1) * stride + kernel - size), -(-size // stride)) for size in (h, w)]
    (ph, oh), (pw, ow) = found
    framed = np.full((n, h + ph, w + pw, c), np.nan)
    framed[:, ph // 2:ph // 2 + h, pw // 2:pw // 2 + w] = x
    return [[framed[:, i * stride:i * stride + kernel, j * stride:j * stride + kernel] for j in range(ow)] for i in range(oh)]


@pytest.mark.parametrize("kernel, stride", [(2, 1), (3, 2), (4, 3), (2, 2)])
def test_same_is_padded_as_keras_pads(kernel, stride):
    x = rng().normal(size=(2, 7, 6, 3))
    parts = windows_same(x, kernel, stride)
    layer = layers.Conv2D(4, kernel, strides=stride, padding="same").double()
    layer(Input((7, 6, 3)))
    layer.double()
    w, b = layer.get_weights()
    assert w.shape == (kernel, kernel, 3, 4)
    expected = np.stack([np.stack([np.tensordot(np.nan_to_num(part), w, 3) + b for part in row], 1) for row in parts], 1)
    assert np.allclose(layer(tl.tensor(x)).detach().numpy(), expected)
    for pool, function in (layers.MaxPooling2D, np.nanmax), (layers.AveragePooling2D, np.nanmean):
        expected = np.stack([np.stack([function(part, (1, 2)) for part in row], 1) for row in parts], 1)
        assert np.allclose(pool(kernel, strides=stride, padding="same")(tl.tensor(x)).numpy(), expected)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize("kernel, stride", [(1, 1), (3, 1), (2, 2), (3, 2), (4, 2), (2, 3), (1, 2)])
def test_a_transposed_convolution_is_the_derivative_of_one(padding, kernel, stride):
    """Σ conv(x) · y = Σ x · transposed(y), where the kernels have their channels exchanged."""
    down, up = layers.Conv2D(3, kernel, strides=stride, padding=padding, use_bias=False), None
    up = layers.Conv2DTranspose(2, kernel, strides=stride, padding=padding, use_bias=False)
    y = tl.tensor(rng().normal(size=(2, 4, 3, 3)))
    up(Input((4, 3, 3)))
    size = tuple(up(y.float()).shape)
    x = tl.tensor(rng(1).normal(size=size))
    down(Input(size[1:]))
    down.double(), up.double()
    up.set_weights(down.get_weights())
    assert tuple(down(x).shape) == tuple(y.shape)
    assert np.isclose((down(x) * y).sum().item(), (x * up(y)).sum().item())


def test_flatten_keeps_the_channels_of_a_pixel_together():
    x = rng().normal(size=(2, 3, 4, 5)).astype("float32")
    assert np.array_equal(layers.Flatten()(x).numpy(), x.reshape(2, -1))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_lstm_has_keras_gates():
    layer = layers.LSTM(3, return_sequences=True)
    layer(Input((5, 2)))
    layer.double()
    w, u, b = layer.get_weights()
    assert (w.shape, u.shape, b.shape) == ((2, 12), (3, 12), (12,)) and layer.count_params() == 4 * 3 * (2 + 3 + 1)
    assert np.array_equal(b, np.repeat([0.0, 1, 0, 0], 3))                       # unit_forget_bias
    assert np.allclose(u @ u.T, np.eye(3), atol=1e-6)                            # orthogonal
    b = rng(3).normal(size=12)
    layer.set_weights([w, u, b])
    x, h, c, outs = rng().normal(size=(4, 5, 2)), np.zeros((4, 3)), np.zeros((4, 3)), []
    for t in range(5):
        i, f, g, o = np.split(x[:, t] @ w + h @ u + b, 4, -1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        h = sigmoid(o) * np.tanh(c)
        outs.append(h)
    assert np.allclose(layer(tl.tensor(x)).detach().numpy(), np.stack(outs, 1))
    assert sum(p.numel() for p in layer.parameters()) == layer.count_params()     # no second bias


def test_gru_has_keras_gates():
    layer = layers.GRU(3)
    layer(Input((5, 2)))
    layer.double()
    w, u, b = layer.get_weights()
    assert (w.shape, u.shape, b.shape) == ((2, 9), (3, 9), (2, 9)) and layer.count_params() == 3 * 3 * (2 + 3 + 2)
    b = rng(3).normal(size=(2, 9))
    layer.set_weights([w, u, b])
    x, h = rng().normal(size=(4, 5, 2)), np.zeros((4, 3))
    for t in range(5):
        xz, xr, xh = np.split(x[:, t] @ w + b[0], 3, -1)
        hz, hr, hh = np.split(h @ u + b[1], 3, -1)
        z, r = sigmoid(xz + hz), sigmoid(xr + hr)
        h = z * h + (1 - z) * np.tanh(xh + r * hh)
    assert np.allclose(layer(tl.tensor(x)).detach().numpy(), h)


def test_states_go_in_and_out():
    layer = layers.LSTM(3, return_sequences=True, return_state=True)
    x = tl.tensor(rng().normal(size=(4, 6, 2)).astype("float32"))
    whole, h, c = layer(x)
    first, *state = layer(x[:, :2])
    rest, h2, c2 = layer(x[:, 2:], initial_state=state)
    assert np.allclose(whole[:, 2:].detach().numpy(), rest.detach().numpy(), atol=1e-6)
    assert np.allclose(c.detach().numpy(), c2.detach().numpy(), atol=1e-6) and np.allclose(
        h.detach().numpy(), h2.detach().numpy(), atol=1e-6)


# ---- how weights start ------------------------------------------------------------------------------------------
def test_weights_start_as_keras_starts_them():
    dense = layers.Dense(300)
    dense(Input((200,)))
    kernel, bias = dense.get_weights()
    bound = (6 / 500) ** 0.5
    assert 0.98 * bound < abs(kernel).max() <= bound and abs(kernel.mean()) < 0.01 * bound and not bias.any()
    conv = layers.Conv2D(64, 3)
    conv(Input((9, 9, 32)))
    bound = (6 / (9 * 32 + 9 * 64)) ** 0.5
    assert 0.98 * bound < abs(conv.get_weights()[0]).max() <= bound
    he = layers.Conv2D(64, 3, kernel_initializer="he_normal", bias_initializer=keras.initializers.Constant(0.5))
    he(Input((9, 9, 32)))
    kernel, bias = he.get_weights()
    assert abs(kernel.std() / (2 / (9 * 32)) ** 0.5 - 1) < 0.02 and (bias == 0.5).all()
    words = layers.Embedding(1000, 20)
    words(Input((3,)))
    assert 0.049 < abs(words.get_weights()[0]).max() <= 0.05
    same = [keras.initializers.GlorotUniform(seed=3)((4, 5)).numpy() for _ in range(2)]
    assert np.array_equal(*same)
    with pytest.raises(ValueError, match="no initializer 'glorot'"):
        keras.initializers.get("glorot")


# ---- modes ------------------------------------------------------------------------------------------------------
def test_a_model_that_is_called_is_in_use():
    model = Sequential([layers.Dropout(0.5, input_shape=(100,))])
    x = np.ones((2, 100), "float32")
    assert (model(x).numpy() == 1).all() and not model.training
    assert set(np.unique(model(x, training=True).numpy())) == {0, 2}
    assert (model(x).numpy() == 1).all()
    model.train()                                               # a loop that one writes by hand
    assert (model(x).numpy() == 0).any()
    assert (model(x, training=False).numpy() == 1).all() and model.training and model.layers[0].dropout.training


def test_batch_normalization_moves_its_means_in_training_only():
    model = Sequential([layers.BatchNormalization(input_shape=(3,), momentum=0.9)])
    x = rng().normal(2, 3, (50, 3)).astype("float32")
    model(x)
    assert (model.get_weights()[2] == 0).all()
    out = model(x, training=True).detach().numpy()
    gamma, beta, mean, variance = model.get_weights()
    assert np.allclose(mean, 0.1 * x.mean(0), atol=1e-5) and np.allclose(variance, 0.9 + 0.1 * x.var(0, ddof=1), atol=1e-4)
    assert np.allclose(out, (x - x.mean(0)) / np.sqrt(x.var(0) + 1e-3), atol=1e-4)
    model.layers[0].trainable = False
    model(x, training=True)
    assert np.array_equal(model.get_weights()[2], mean) and not model.trainable_weights


def test_fit_leaves_the_model_in_use_and_frozen_layers_alone():
    model = Sequential([layers.Dense(8, activation="relu", input_shape=(4,), name="below"), layers.Dropout(0.5), layers.Dense(1)])
    model.get_layer("below").trainable = False
    before = model.get_weights()
    model.compile("sgd", "mse")
    model.fit(rng().normal(size=(32, 4)), rng(1).normal(size=(32, 1)), epochs=2, verbose=0)
    after = model.get_weights()
    assert [np.array_equal(a, b) for a, b in zip(before, after)] == [True, True, False, False]
    assert not any(module.training for module in model.modules())


# ---- models -----------------------------------------------------------------------------------------------------
def test_a_graph_with_shared_layers_operators_and_several_inputs_and_outputs():
    a, b = Input((4,)), Input((4,))
    shared = layers.Dense(4, activation="tanh")
    u, v = shared(a), shared(b)
    joined = layers.add([u, v]) * 2 + a
    model = Model([a, b], [joined, layers.Dense(2)(joined[:, :3])])
    x, y = rng().normal(size=(2, 5, 4)).astype("float32")
    one, two = model([x, y])
    w, c = shared.get_weights()
    assert np.allclose(one.detach().numpy(), 2 * (np.tanh(x @ w + c) + np.tanh(y @ w + c)) + x, atol=1e-5)
    assert tuple(two.shape) == (5, 2) and len(model.get_weights()) == 4
    found = model.predict([x, y], verbose=0)
    assert np.allclose(found[0], one.detach().numpy(), atol=1e-6) and found[1].shape == (5, 2)


def test_models_are_layers():
    encoder = Sequential([layers.Dense(3, activation="relu", input_shape=(8,))], name="encoder")
    decoder = Sequential([layers.Dense(8, input_shape=(3,))], name="decoder")
    x = Input((8,))
    auto = Model(x, decoder(encoder(x)))
    auto.compile(keras.optimizers.Adam(learning_rate=0.01), "mse")
    data = rng().normal(size=(64, 8)).astype("float32")
    history = auto.fit(data, data, epochs=5, verbose=0)
    assert history.history["loss"][-1] < history.history["loss"][0]
    codes = encoder.predict(data, verbose=0)
    assert np.allclose(decoder.predict(codes, verbose=0), auto.predict(data, verbose=0), atol=1e-5)
    assert Sequential([encoder, decoder]).output_shape == (None, 8)
    middle = Model(l := Input((8,)), encoder(l))
    assert np.array_equal(middle.predict(data, verbose=0), codes)


def test_an_input_that_is_not_listed():
    a, b = Input((4,)), Input((4,))
    with pytest.raises(ValueError, match=r"need an Input of shape \(None, 4\) that is not among"):
        Model(a, layers.add([a, b]))


def test_a_sequential_without_a_shape_waits_for_data():
    model = Sequential([layers.Flatten(), layers.Dense(4, activation="relu"), layers.Dense(1)])
    assert not model.built and list(model.parameters()) == []
    model.compile("adam", "mse")
    history = model.fit(rng().normal(size=(20, 3, 2)), np.ones(20), epochs=2, verbose=0)
    assert model.input_shape == (None, 3, 2) and model.count_params() == 6 * 4 + 4 + 5
    assert history.history["loss"][1] < history.history["loss"][0]
    other = Sequential()
    for layer in (Input((3,)), layers.Dense(2), layers.Dense(5)):
        other.add(layer)
    assert other.output_shape == (None, 5)
    other.pop()
    assert other.output_shape == (None, 2) and tuple(other(np.ones((1, 3))).shape) == (1, 2)
    later = Sequential([layers.Dense(2)])
    later.build((None, 7))
    assert later.count_params() == 16


def test_a_loader_shows_the_shape():
    data = tl.utils.data.TensorDataset(tl.randn(20, 6), tl.randint(0, 3, (20,)))
    model = Sequential([layers.Dense(3, activation="softmax")])
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(tl.utils.data.DataLoader(data, batch_size=8), epochs=1, verbose=0)
    assert model.input_shape == (None, 6)


class Twice(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.dense = layers.Dense(units, activation="relu")
        self.drop = layers.Dropout(0.5)
        self.out = layers.Dense(2, activation="softmax")

    def call(self, inputs, training=None):
        self.seen = training
        return self.out(self.drop(self.dense(inputs)))


def test_a_subclass_of_model(tmp_path):
    model = Twice(5)
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y = rng().normal(size=(40, 3)), rng().integers(0, 2, 40)
    model.fit(x, y, epochs=2, verbose=0)
    assert model.seen is True and model.count_params() == 3 * 5 + 5 + 12
    model(x)
    assert model.seen is False
    model.save_weights(tmp_path / "w.npz")
    other = Twice(5)
    other.build((None, 3))
    other.load_weights(tmp_path / "w.npz")
    assert np.array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


class Scale(layers.Layer):
    def build(self, input_shape):
        self.by = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, inputs):
        return inputs * self.by


def test_a_layer_of_ones_own():
    x = Input((None, 4))
    model = Model(x, Scale(name="scale")(x))
    assert model.output_shape == (None, None, 4) and model.count_params() == 4
    model.set_weights([np.arange(4.0)])
    assert np.array_equal(model(np.ones((1, 2, 4))).detach().numpy(), np.broadcast_to(np.arange(4.0), (1, 2, 4)))
    assert "scale.by" in model.state_dict()


def test_names_depend_on_the_model_alone():
    one, other = l2(), l2()
    assert list(one.state_dict()) == list(other.state_dict())
    assert list(one.state_dict())[:3] == ["conv2d.conv.weight", "conv2d.conv.bias", "conv2d_1.conv.weight"]
    other.load_state_dict(one.state_dict())
    with pytest.raises(ValueError, match="two layers are called 'a'"):
        Sequential([layers.Dense(2, name="a", input_shape=(3,)), layers.Dense(2, name="a")])


def test_weights_in_files(tmp_path):
    model, other = l3(), l3()
    x = rng().random((2, 28, 28, 1))
    for name in ("w.npz", "w.safetensors", "w.pth"):
        model.save_weights(tmp_path / name)
        other.load_weights(tmp_path / name)
        assert np.array_equal(model.predict(x, verbose=0), other.predict(x, verbose=0))
    with pytest.raises(FileExistsError):
        model.save_weights(tmp_path / "w.npz", overwrite=False)
    with pytest.raises(NotImplementedError, match="get_weights"):
        model.save_weights(tmp_path / "model.weights.h5")
    with pytest.raises(NotImplementedError, match="save_weights"):
        model.save(tmp_path / "model.keras")
    with pytest.raises(ValueError, match=r"weight 0, kernel, has shape \(3, 3, 1, 32\)"):
        model.set_weights([np.zeros((1, 3, 3, 32)), *model.get_weights()[1:]])


def test_a_model_computes_on_a_device(device):
    model = Sequential([layers.Conv2D(4, 3, padding="same", strides=2, activation="relu", input_shape=(6, 6, 1)),
                        layers.BatchNormalization(), layers.AveragePooling2D(2, padding="same"), layers.Flatten(),
                        layers.Dense(3, activation="softmax")])
    x, y = rng().random((8, 6, 6, 1)), rng().integers(0, 3, 8)
    expected, weights = model.predict(x, verbose=0), model.get_weights()
    model.to(device)
    assert np.allclose(model.predict(x, verbose=0), expected, atol=1e-5)
    model.set_weights(weights)
    model.compile("adam", "sparse_categorical_crossentropy")
    model.fit(x, y, verbose=0)
    assert backend.device_of(model.weights[0].array) == device


# ---- training ---------------------------------------------------------------------------------------------------
def test_compile_takes_objects():
    model = Sequential([layers.Dense(3, activation="softmax", input_shape=(4,))])
    optimizer = keras.optimizers.Adam(learning_rate=0.01, beta_1=0.8, clipnorm=1.0)
    model.compile(optimizer, keras.losses.CategoricalCrossentropy(label_smoothing=0.1),
                  metrics=[keras.metrics.CategoricalAccuracy(), "accuracy", keras.metrics.MeanSquaredError(name="brier")])
    assert isinstance(model.optimizer, optim.Adam) and model.optimizer.param_groups[0]["betas"] == (0.8, 0.999)
    assert model.optimizer.param_groups[0]["eps"] == 1e-7
    x, y = rng().normal(size=(30, 4)), rng().integers(0, 3, 30)
    one_hot = keras.utils.to_categorical(y, 3)
    history = model.fit(x, one_hot, epochs=2, verbose=0, class_weight={0: 1.0, 1: 2.0, 2: 1.0})
    assert {"loss", "categorical_accuracy", "accuracy", "brier"} == set(history.history)
    found = model.evaluate(x, one_hot, verbose=0, return_dict=True)
    p = model.predict(x, verbose=0)
    assert np.isclose(found["categorical_accuracy"], (p.argmax(1) == y).mean())
    assert found["accuracy"] == found["categorical_accuracy"]
    assert np.isclose(found["brier"], ((p - one_hot) ** 2).mean(), atol=1e-6)
    smooth = one_hot * 0.9 + 0.1 / 3
    assert np.isclose(found["loss"], -(smooth * np.log(p)).sum(1).mean(), atol=1e-5)
    model.optimizer.learning_rate = 0.5
    assert model.optimizer.param_groups[0]["lr"] == 0.5 == optimizer.learning_rate


@pytest.mark.parametrize("name", ["SGD", "RMSprop", "Adam", "AdamW", "Adagrad", "Adadelta", "Adamax", "Nadam"])
def test_optimizers_by_name_and_as_objects_are_the_same(name):
    losses = []
    for optimizer in (name.lower(), getattr(keras.optimizers, name)()):
        keras.utils.set_random_seed(1)
        model = Sequential([layers.Dense(1, input_shape=(3,))])
        model.compile(optimizer, "mse")
        losses.append(model.fit(rng().normal(size=(40, 3)), np.ones(40), epochs=3, verbose=0).history["loss"])
    assert losses[0] == losses[1] and losses[0][-1] < losses[0][0]


def test_gradients_are_clipped():
    for how, norm in ({"clipnorm": 0.5}, 0.5), ({"global_clipnorm": 0.5}, 0.5), ({"clipvalue": 0.1}, 0.1):
        p = nn.Parameter(tl.zeros(1))
        step = keras.optimizers.SGD(learning_rate=1.0, **how)([p])
        (p * 100).sum().backward()
        step.step()
        assert np.isclose(abs(p.item()), norm, rtol=1e-4)
    with pytest.raises(ValueError, match="not several"):
        keras.optimizers.SGD(clipnorm=1, clipvalue=1)


def test_losses_with_settings():
    y, p = np.array([0, 2]), np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    assert np.isclose(keras.losses.SparseCategoricalCrossentropy()(y, p).item(), -np.log([0.7, 0.4]).mean())
    assert np.isclose(keras.losses.SparseCategoricalCrossentropy(from_logits=True)(y, np.log(p)).item(), -np.log([0.7, 0.4]).mean())
    assert tuple(keras.losses.MeanSquaredError(reduction="none")(p, p).shape) == (2,)
    assert np.isclose(keras.losses.Huber(delta=0.5)(np.zeros(2), np.array([0.1, 2.0])).item(), (0.005 + 0.5 * 1.75) / 2)
    model = Sequential([layers.Dense(3, input_shape=(2,))])
    model.compile("adam", "sparse_categorical_crossentropy")
    with pytest.raises(ValueError, match="from_logits"):
        model.fit(rng().normal(size=(8, 2)), rng().integers(0, 3, 8), verbose=0)
    model.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"])
    model.fit(rng().normal(size=(8, 2)), rng().integers(0, 3, 8), verbose=0)


def test_a_text_model_of_keras():
    """Embedding, Bidirectional LSTM, Dense: which words there are says the class."""
    keras.utils.set_random_seed(0)
    words = rng().integers(2, 50, (400, 12))
    y = rng(1).integers(0, 2, 400)
    words[np.arange(400), rng(2).integers(0, 12, 400)] = y      # word 0 or 1, somewhere
    model = Sequential([layers.Embedding(50, 8), layers.Bidirectional(layers.LSTM(8)), layers.Dense(1, activation="sigmoid")])
    model.compile(keras.optimizers.Adam(0.02), "binary_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    history = model.fit(words, y, epochs=6, verbose=0, callbacks=[keras.callbacks.EarlyStopping("loss", patience=3)])
    assert history.history["accuracy"][-1] > 0.9 and history.history["auc"][-1] > 0.95


def test_a_training_is_resumed_bit_for_bit(tmp_path):
    def model():
        keras.utils.set_random_seed(0)
        made = Sequential([layers.Dense(4, activation="relu", input_shape=(3,)), layers.Dropout(0.3), layers.Dense(1)])
        made.compile(keras.optimizers.Adam(0.01, global_clipnorm=1.0), "mse", metrics=[keras.metrics.MeanAbsoluteError()])
        return made
    x, y = rng().normal(size=(50, 3)), rng(1).normal(size=(50, 1))
    whole = model()
    losses = whole.fit(x, y, epochs=4, verbose=0).history
    model().fit(x, y, epochs=2, verbose=0, checkpoint=tmp_path / "run")
    resumed = model()
    assert resumed.fit(x, y, epochs=4, verbose=0, resume_from=tmp_path / "run").history == losses
    assert all(np.array_equal(a, b) for a, b in zip(whole.get_weights(), resumed.get_weights()))


def test_a_model_is_copied_with_its_graph():
    import copy
    a = Input((4,))
    model = Model(a, layers.add([layers.Dense(4)(a), a]))
    other, x = copy.deepcopy(model), np.ones((2, 4))
    assert np.array_equal(other(x).detach().numpy(), model(x).detach().numpy())
    other.set_weights([w * 0 for w in other.get_weights()])
    assert (other(x).detach().numpy() == 1).all() and not (model(x).detach().numpy() == 1).all()


# ---- utils ------------------------------------------------------------------------------------------------------
def test_to_categorical():
    assert np.array_equal(keras.utils.to_categorical([0, 2, 1]), np.eye(3)[[0, 2, 1]])
    assert keras.utils.to_categorical(np.zeros((4, 1), int), 5).shape == (4, 5)
    assert keras.utils.to_categorical(tl.tensor([[1, 0]]), 2).shape == (1, 2, 2)
    assert keras.utils.to_categorical([1]).dtype == np.float32
    with pytest.raises(IndexError, match="class number 3, at place 1, is not from 0 to 2"):
        keras.utils.to_categorical([0, 3], 3)
    with pytest.raises(TypeError, match="whole"):
        keras.utils.to_categorical([0.5])


def test_pad_sequences():
    pad = keras.utils.pad_sequences
    rows = [[1], [2, 3], [4, 5, 6]]
    assert pad(rows).tolist() == [[0, 0, 1], [0, 2, 3], [4, 5, 6]]
    assert pad(rows, maxlen=2, padding="post", truncating="post", value=9).tolist() == [[1, 9], [2, 3], [4, 5]]
    assert pad(rows, maxlen=2).tolist() == [[0, 1], [2, 3], [5, 6]] and pad([[]], maxlen=2).tolist() == [[0, 0]]
    assert pad(rows).dtype == np.int32


# ---- mistakes ---------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("line, kind, words", [
    ("l3()(np.zeros((2, 28, 28)))", ValueError, ["(2, 28, 28)", "28, 28, 1", "channels", "[..., None]", "(2, 28, 28, 1)"]),
    ("l2()(np.zeros((28, 28, 1)))", ValueError, ["single sample", "x[None]"]),
    ("l2()(np.zeros((2, 1, 28, 28)))", ValueError, ["np.moveaxis(x, 1, -1)"]),
    ("layers.Conv2D(3, 3)(Input((28, 28)))", ValueError, ["3 axes", "(samples, height, width, channels)", "x[..., None]"]),
    ("layers.Dense(3)(Input((None,)))", ValueError, ["not known"]),
    ("layers.Conv2D(3, 5)(Input((4, 4, 1)))", ValueError, ["4 long", "window is 5", "same"]),
    ("layers.Conv2D(3, 3, padding=1)", ValueError, ["'valid' or 'same'", "ZeroPadding2D"]),
    ("layers.Conv2D(3, 3, data_format='channels_first')", NotImplementedError, ["channels come last"]),
    ("layers.Dense(3, kernel_regularizer='l3')", ValueError, ["no regularizer 'l3'", "l1_l2"]),
    ("layers.Dense(3, activity_regularizer='l2')", NotImplementedError, ["loss function"]),
    ("layers.Dropout(0.5, kernel_regularizer='l2')(np.ones((2, 3)))", TypeError, ["no weight 'kernel'"]),
    ("layers.Dense(3, activatoin='relu')", TypeError, ["did you mean 'activation'"]),
    ("layers.Dense(3, activation='rleu')", ValueError, ["no activation 'rleu'", "relu"]),
    ("layers.LSTM(3, recurrent_activation='hard_sigmoid')", NotImplementedError, ["'sigmoid'"]),
    ("layers.LSTM(3, activation='relu')", NotImplementedError, ["'tanh'"]),
    ("layers.Desne", AttributeError, ["did you mean Dense"]),
    ("layers.MultiHeadAttention(2, 4)(Input((3, 4)))", TypeError, ["layer(x, x)"]),
    ("layers.RandomFlip", AttributeError, ["data.transforms"]),
    ("layers.Dense(3).input", ValueError, ["never called on an Input"]),
    ("layers.Dense(3).get_config()", AttributeError, ["the program keeps"]),
    ("l3().layers[0].kernel", AttributeError, ["get_weights()"]),
    ("l3().fit_generator", AttributeError, ["fit takes generators"]),
    ("keras.models.clone_model", AttributeError, ["call what built it"]),
    ("keras.activations.gleu", AttributeError, ["did you mean gelu"]),
    ("keras.initializers.he_norm", AttributeError, []),
    ("keras.ops", AttributeError, ["PyTorch's functions"]),
    ("keras.metrics.Metric('sum').add_weight('total')", NotImplementedError, ["self.total = 0.0"]),
    ("keras.metrics.Precision(thresholds=[0.1, 0.5])", NotImplementedError, ["one number"]),
    ("keras.applications", AttributeError, ["tinygrad_like.models"]),
    ("keras.datasets.cifar10", AttributeError, ["ImageFolder"]),
    ("keras.callbacks.TensorBoard", AttributeError, ["CSVLogger"]),
    ("keras.optimizers.SGD('fast')", TypeError, ["keras.optimizers.schedules", "str"]),
    ("keras.optimizers.SGD(decay=1e-6)", TypeError, ["InverseTimeDecay"]),
    ("keras.optimizers.schedules.PiecewiseConstantDecay([1], [0.1])", ValueError, ["2 values"]),
    ("keras.optimizers.Adam(weight_decay=0.1)", NotImplementedError, ["AdamW"]),
    ("keras.optimizers.Adam(learning_rat=0.1)", TypeError, ["learning_rat"]),
    ("Sequential([layers.Dense])", TypeError, ["class"]),
    ("Sequential([nn.Linear(2, 3)])", TypeError, ["nn.Sequential"]),
    ("Sequential([layers.Dense(3)(Input((2,)))])", TypeError, ["brackets"]),
    ("l3().compile(loss_weights=[1])", NotImplementedError, ["loss_weights"]),
    ("layers.Add()(Input((3,)))", TypeError, ["list"]),
    ("layers.Add()([Input((3,)), Input((4,))])", ValueError, ["(None, 3), (None, 4)", "axis 1"]),
    ("layers.Concatenate()([Input((3, 2)), Input((4, 2))])", ValueError, ["axis -1 only"]),
    ("layers.Reshape((5, -1))(Input((12,)))", ValueError, ["12 numbers"]),
    ("Model(Input((3,)), tl.zeros(3))", TypeError, ["Input() and layers"]),
    ("bool(Input((3,)))", TypeError, ["no numbers yet"]),
    ("np.exp(Input((3,)))", TypeError, []),
    ("layers.Dense(0)", ValueError, ["at least 1"]),
])
def test_mistakes(line, kind, words):
    with pytest.raises(kind) as caught:
        eval(line)
    for word in words:
        assert word in str(caught.value), f"{line}: {caught.value}"


def test_an_error_says_in_which_layer():
    model = Sequential([layers.Dense(4, input_shape=(3,)), layers.Lambda(lambda x: x)])
    model.layers[1].function = lambda x: x.reshape(7)
    with pytest.raises(RuntimeError, match="Sequential.lambda"):
        model(np.zeros((2, 3)))
