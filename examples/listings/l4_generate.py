"""Listing L4 (S3 §3.3 and §5.2), corrected: a GPT-2 that was fine-tuned continues a text, in five ways.

The import lines name this library in the place of transformers.  Everything else that differs from the article has a comment with
the number of its mistake in SPEC §16:

    M-20    the likeliest text is but one: five come from drawing
    M-21    what is generated is a batch, and to decode it gives a list, which the article prints as if it were a text
    M-22    max_length counts the tokens given, too; the first model is not used; a tokenizer for English is given Chinese

The article's models are fetched, and "your_fine_tuned_model" is the reader's.  Here both are made, in gpt2_folders.py: a small
GPT-2 reads novels first, then verses.  The last lines say what that is good for: how well either foretells verses that it has not
seen.
"""
import tinygrad_like.transformers as transformers
from tinygrad_like.transformers import GPT2LMHeadModel, GPT2Tokenizer
import argparse
import tempfile

from gpt2_folders import loss_on_new_verses, write_folders


def main():
    parser = argparse.ArgumentParser(description="Listing L4, corrected: five continuations by a fine-tuned GPT-2.")
    parser.add_argument("--quick", action="store_true", help="train for a few steps only")
    parser.add_argument("--folder", help="where the models are, or shall be; by default somewhere that is deleted in the end")
    args = parser.parse_args()
    transformers.set_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        folder = args.folder or folder
        write_folders(folder, args.quick)

        # 加载预训练模型和微调后的模型
        pretrained_model = GPT2LMHeadModel.from_pretrained(f"{folder}/gpt2")
        fine_tuned_model = GPT2LMHeadModel.from_pretrained(f"{folder}/your_fine_tuned_model")

        # 加载文本数据
        text_data = "And the king said"                         # M-22: in the language of the tokenizer

        # 预处理文本数据
        tokenizer = GPT2Tokenizer.from_pretrained(f"{folder}/gpt2")
        input_ids = tokenizer.encode(text_data, return_tensors="pt")

        # 使用微调后的模型生成文本
        output = fine_tuned_model.generate(input_ids, max_length=50, num_return_sequences=5, do_sample=True)        # M-20

        # 输出生成的文本
        for text in tokenizer.batch_decode(output, skip_special_tokens=True):                                       # M-21
            print("-", text)

        # M-22: what the model that was not fine-tuned is there for
        print(f"the article gives no number; of unseen verses the pre-trained model has loss "
              f"{loss_on_new_verses(pretrained_model, tokenizer):.4f} a token")
        print(f"test loss {loss_on_new_verses(fine_tuned_model, tokenizer):.4f}")


if __name__ == "__main__":
    main()
