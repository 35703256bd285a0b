"""Listing L5 (S3 §4.3): an embedding, and an encoder behind it.  Nothing of it is wrong: only the import lines differ.

(M-19: the article's formula multiplies a matrix with one-hot vectors, and its program passes numbers of words.  Both are the same:
the row of the number is the product with the one-hot vector, without computing all the zeros.  The last lines show it.)
"""
import tinygrad_like as torch
import tinygrad_like.nn as nn
import tinygrad_like.optim as optim  # noqa: F401   the article imports it, too

# 嵌入层
embed_matrix = nn.Embedding(100, 10)
input_vector = torch.tensor([1, 2, 3, 4, 5])

# 编码器
encoder = nn.Sequential(
    nn.Linear(10, 20),
    nn.ReLU(),
    nn.Linear(20, 10)
)

# 计算嵌入层和编码器的输出
embed_output = embed_matrix(input_vector)
encode_output = encoder(embed_output)

# 输出结果
print("嵌入层输出：", embed_output)
print("编码器输出：", encode_output)

# M-19
one_hot = nn.functional.one_hot(input_vector, 100).float()      # (5, 100)
print(f"largest difference {(one_hot @ embed_matrix.weight - embed_output).abs().max().item():.1e}")
