"""Networks of the articles, and of the papers that they cite: one file a family, small configurations beside the published ones."""
from .convnet import *
from .gan import *
from .gpt import *
from .lstm import *
from .mlp import *
from .resnet import *
from .resnet_cifar import *
from .transformer import *
from .vae import *
from .vgg import *
