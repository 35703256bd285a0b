"""Recurrent layers, in one direction and two, on one layer and several, with states given and without; and their cells."""
from ..layer import Layer

LAYERS = [
    Layer("nn.RNN(3, 4)", (5, 2, 3)),
    Layer("nn.RNN(3, 4, 2, 'relu', bidirectional=True)", (3, 2, 3)),
    Layer("nn.RNN(3, 2, bias=False, batch_first=True)", (2, 3, 3), (1, 2, 2)),
    Layer("nn.LSTM(4, 5, 2, bidirectional=True)", (3, 2, 4)),
    Layer("nn.LSTM(3, 4, batch_first=True)", (2, 3, 3), (1, 2, 4), (1, 2, 4), call="m(xs[0], (xs[1], xs[2]))"),
    Layer("nn.LSTM(3, 2, bias=False)", (4, 3)),
    Layer("nn.LSTM(3, 2, 2, dropout=0.5)", (2, 2, 3), random=True),
    Layer("nn.GRU(3, 4)", (5, 2, 3)),
    Layer("nn.GRU(3, 4, 2, bias=False, bidirectional=True)", (3, 2, 3), (4, 2, 4)),
    Layer("nn.GRU(3, 2)", (3, 3), (1, 2)),
    Layer("nn.RNNCell(3, 4)", (2, 3)),
    Layer("nn.RNNCell(3, 4, bias=False, nonlinearity='relu')", (2, 3), (2, 4)),
    Layer("nn.LSTMCell(3, 4)", (2, 3)),
    Layer("nn.LSTMCell(3, 4, bias=False)", (3,), (4,), (4,), call="m(xs[0], (xs[1], xs[2]))"),
    Layer("nn.GRUCell(3, 4)", (2, 3), (2, 4)),
    Layer("nn.GRUCell(3, 4, bias=False)", (3,)),
]
