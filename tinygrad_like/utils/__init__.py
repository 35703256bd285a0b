"""Where PyTorch's scripts look for checkpointing."""
